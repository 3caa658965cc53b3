// Finds a WebGPU adapter and makes a device of it: the page's own WebGPU in a browser, Dawn's npm package in Node,
// the software adapter where it is asked for. Asks for the adapter's own maxima of the limits that the compiler plans by.
import type { Limits } from "../../compiler/program/limits.ts";
import { WorldError } from "../errors.ts";
import { classOfGpu } from "./gpu-class.ts";
import { exchangesInOrder } from "./webgpu-subgroups.ts";

export interface AdapterChoice {
  /** `software`: SwiftShader from an npm package; `any`: whatever the machine has (the default). */
  readonly adapter?: "software" | "any";
  readonly powerPreference?: "low-power" | "high-performance";
}

export interface OpenedDevice {
  readonly gpuDevice: GPUDevice;
  readonly info: AdapterInfo;
  readonly limits: Limits;
}

/** What is known of an adapter, for people, `vit doctor` and run.json. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  readonly features: readonly string[];
  /** Runs on the CPU: for correctness, not for speed. */
  readonly isSoftware: boolean;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render/i;

/** @throws WorldError `no-adapter`, `missing-package` or `unsupported`. */
export async function findAdapter(choice: AdapterChoice = {}): Promise<GPUAdapter> {
  const gpu = await findGpu(choice);
  const preference = choice.powerPreference ?? "high-performance";
  const adapter = await gpu.requestAdapter({ powerPreference: preference });
  if (adapter === null) throw noAdapter("WebGPU finds no adapter on this machine");
  return adapter;
}

function noAdapter(message: string): WorldError {
  const hint = "use --device wasm, or install a Vulkan driver";
  return new WorldError("no-adapter", message, hint);
}

/** `VITRAIL_ADAPTER=software` in the environment asks for the software adapter where the caller does not say. */
function wantsSoftware(choice: AdapterChoice): boolean {
  if (choice.adapter !== undefined) return choice.adapter === "software";
  return typeof process !== "undefined" && process.env["VITRAIL_ADAPTER"] === "software";
}

/** Dawn's objects must outlive every use of them: one for the process, kept. */
const opened = new Map<"page" | "dawn" | "software", Promise<GPU>>();

function findGpu(choice: AdapterChoice): Promise<GPU> {
  const inPage = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  const kind = wantsSoftware(choice) ? "software" : inPage === undefined ? "dawn" : "page";
  const known = opened.get(kind);
  if (known !== undefined) return known;
  const gpu = inPage !== undefined && kind === "page" ? Promise.resolve(inPage) : openDawn(kind);
  opened.set(kind, gpu);
  return gpu;
}

async function openDawn(kind: "page" | "dawn" | "software"): Promise<GPU> {
  if (kind === "software") {
    const { loadSoftwareDawn } = await import("./webgpu-software.ts");
    return loadSoftwareDawn().create([]);
  }
  if (!hasVulkanLoader()) throw noAdapter("this machine has no Vulkan, which WebGPU needs");
  try {
    const { create } = await import("webgpu");
    return create([]);
  } catch (cause) {
    const hint = "npm install webgpu, or use --device wasm";
    throw new WorldError("missing-package", "the package webgpu does not load", hint, cause);
  }
}

/**
 * Asked before Dawn starts, which complains on the terminal where there is none (Linux has no other way to a GPU).
 * A library that is there is not an addon of Node's, which is another error than its absence.
 */
function hasVulkanLoader(): boolean {
  if (process.platform !== "linux") return true;
  try {
    process.dlopen({ exports: {} }, "libvulkan.so.1");
    return true;
  } catch (error) {
    return !/cannot open shared object/.test((error as Error).message);
  }
}

export function describeAdapter(adapter: GPUAdapter): AdapterInfo {
  const { vendor, architecture, description, device } = adapter.info;
  const words = [vendor, architecture, device, description].join(" ");
  return {
    vendor,
    architecture,
    description: description === "" ? device : description,
    features: [...adapter.features].sort(),
    isSoftware: SOFTWARE.test(words),
  };
}

/** The adapter's own limits, as the compiler plans by them. */
export function adapterLimits(adapter: GPUAdapter): Limits {
  const { limits } = adapter;
  return {
    storageBuffers: limits.maxStorageBuffersPerShaderStage,
    bindingBytes: Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize),
    bufferBytes: limits.maxBufferSize,
    workgroupBytes: limits.maxComputeWorkgroupStorageSize,
    workgroupInvocations: Math.min(
      limits.maxComputeInvocationsPerWorkgroup,
      limits.maxComputeWorkgroupSizeX,
    ),
    workgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    totalBytes: Number.POSITIVE_INFINITY,
    gpuClass: classOfGpu(describeAdapter(adapter), limits),
    hasF16: adapter.features.has("shader-f16"),
    ...(adapter.features.has("subgroups") ? { subgroupSize: adapter.info.subgroupMinSize } : {}),
  };
}

/** Limits without subgroups where a device does not do what the compiler expects of them. */
async function provenLimits(gpuDevice: GPUDevice, limits: Limits): Promise<Limits> {
  const { subgroupSize, ...others } = limits;
  const isProven =
    subgroupSize !== undefined && (await exchangesInOrder(gpuDevice, limits).catch(() => false));
  return isProven ? limits : others;
}

/** @throws WorldError where there is no adapter or it refuses. */
export async function openDevice(choice: AdapterChoice = {}): Promise<OpenedDevice> {
  const adapter = await findAdapter(choice);
  const { limits } = adapter;
  try {
    const wanted: readonly GPUFeatureName[] = ["timestamp-query", "shader-f16", "subgroups"];
    const gpuDevice = await adapter.requestDevice({
      label: "vitrail",
      requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
      requiredLimits: {
        maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
        maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
        maxBufferSize: limits.maxBufferSize,
        maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
        maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
        maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
        maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      },
    });
    return {
      gpuDevice,
      info: describeAdapter(adapter),
      limits: await provenLimits(gpuDevice, adapterLimits(adapter)),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WorldError(
      "no-adapter",
      `the WebGPU adapter gives no device: ${reason}`,
      "close other programs that use the GPU, or use --device wasm",
      cause,
    );
  }
}
