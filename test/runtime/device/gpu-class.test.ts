// Which class of GPU an adapter is taken for.
import { expect, test } from "vitest";
import { classOfGpu } from "../../../runtime/device/gpu-class.ts";

const small = { maxComputeWorkgroupStorageSize: 16384, maxComputeInvocationsPerWorkgroup: 256 };
const large = { maxComputeWorkgroupStorageSize: 32768, maxComputeInvocationsPerWorkgroup: 1024 };

test.each([
  ["nvidia", "ampere", "NVIDIA GeForce RTX 3080", "discrete"],
  ["intel", "gen-12lp", "Intel(R) Iris(R) Xe Graphics", "integrated"],
  ["intel", "xe-hpg", "Intel(R) Arc(TM) A770 Graphics", "discrete"],
  ["amd", "rdna-3", "AMD Radeon RX 7900 XTX", "discrete"],
  ["amd", "gcn-5", "AMD Radeon(TM) Graphics", "integrated"],
  ["amd", "rdna-3", "AMD Radeon 780M", "integrated"],
  ["qualcomm", "adreno-6xx", "", "integrated"],
])("%s %s, %s: %s", (vendor, architecture, description, expected) => {
  const info = { vendor, architecture, description, isSoftware: false };
  expect(classOfGpu(info, large)).toBe(expected);
});

test("a maker of both kinds, or an unknown one, by what a workgroup may have", () => {
  const info = { vendor: "apple", architecture: "metal-3", description: "", isSoftware: false };
  expect([classOfGpu(info, large), classOfGpu(info, small)]).toEqual(["discrete", "integrated"]);
});

test("software is software, whoever made it", () => {
  const info = { vendor: "google", architecture: "swiftshader", description: "", isSoftware: true };
  expect(classOfGpu(info, large)).toBe("software");
});
