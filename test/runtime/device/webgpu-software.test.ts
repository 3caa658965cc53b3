// The software adapter: a WebGPU implementation in this process, on nothing but npm packages.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import { DEFAULT_WEBGPU_LIMITS } from "../../../compiler/program/limits.ts";
import { describeAdapter, findAdapter } from "../../../runtime/device/webgpu-adapter.ts";
import {
  loadSoftwareDawn,
  softwareAdapterFolder,
} from "../../../runtime/device/webgpu-software.ts";

test("the software adapter is SwiftShader and keeps WebGPU's default limits", async () => {
  const adapter = await loadSoftwareDawn().create([]).requestAdapter();
  expect(adapter?.info.architecture).toBe("swiftshader");
  const limits = adapter!.limits;
  expect(limits.maxStorageBuffersPerShaderStage).toBeGreaterThanOrEqual(
    DEFAULT_WEBGPU_LIMITS.storageBuffers,
  );
  expect(limits.maxComputeInvocationsPerWorkgroup).toBeGreaterThanOrEqual(256);
});

test("a cache folder holds Dawn beside the renamed Vulkan library", () => {
  const folder = softwareAdapterFolder();
  expect(existsSync(join(folder, "dawn.node"))).toBe(true);
  expect(existsSync(join(folder, "libvulkan.so.1"))).toBe(true);
  expect(softwareAdapterFolder()).toBe(folder);
});

test("several processes may fill the folder at once", async () => {
  const cache = mkdtempSync(join(tmpdir(), "vitrail-adapter-"));
  const script = `
    import { loadSoftwareDawn, softwareAdapterFolder } from "./runtime/device/webgpu-software.ts";
    const folder = softwareAdapterFolder(${JSON.stringify(cache)});
    const adapter = await loadSoftwareDawn(folder).create([]).requestAdapter();
    console.log(adapter.info.architecture);
    process.exit(0);`;
  const start = () =>
    promisify(execFile)(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script]);
  const results = await Promise.all([start(), start(), start()]);
  expect(results.map((result) => result.stdout.trim())).toEqual(Array(3).fill("swiftshader"));
  expect(readdirSync(cache)).toHaveLength(1);
  rmSync(cache, { recursive: true });
});

test("VITRAIL_ADAPTER=software asks for it where the caller does not say", async () => {
  vi.stubEnv("VITRAIL_ADAPTER", "software");
  const info = describeAdapter(await findAdapter());
  expect(info).toMatchObject({ architecture: "swiftshader", isSoftware: true });
  vi.unstubAllEnvs();
});
