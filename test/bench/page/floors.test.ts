// What the benchmarks promise, out of what they measured.
import { expect, test } from "vitest";
import { floorsOf, verdict } from "../../../bench/page/floors.ts";
import type { SuiteFigures } from "../../../bench/suite/figures.ts";
import { absent, figures, peer, times } from "./figures.ts";

function floor(of: SuiteFigures, what: string) {
  const found = floorsOf(of).find((each) => each.what.startsWith(what))!;
  return { measured: found.measured, verdict: verdict(found) };
}

const digits = figures({
  workloads: [
    times("digits", [
      peer("Vitrail, wasm", 2, 50),
      peer("Vitrail, wasm", 1, 90),
      peer("jax-js, wasm", 2, 400),
      peer("TensorFlow.js, wasm", 1, 900),
      peer("PyTorch, native", 2, 45),
      peer("PyTorch, native", 1, 30),
    ]),
  ],
});

test("the fastest peer counts, ours with the most threads", () => {
  expect(floor(digits, "digits ViT")).toEqual({ measured: 8, verdict: "aim reached" });
});

test("a peer with threads is compared with as many as we have", () => {
  expect(floor(digits, "the same, against PyTorch on the CPU with")).toEqual({
    measured: 0.9,
    verdict: "**below the floor**",
  });
});

test("several threads over one come from one run", () => {
  const run = times("vit-tiny", [peer("Vitrail, wasm", 2, 50), peer("Vitrail, wasm", 1, 85)]);
  const found = floor(figures({ workloads: [run] }), "several threads over one");
  expect(found).toEqual({ measured: 1.7, verdict: "floor reached" });
});

test("what could not be measured says why", () => {
  const run = times("vit-small", [absent("Vitrail, WebGPU", "this machine has no Vulkan")]);
  const found = floor(figures({ workloads: [run] }), "WebGPU on a GPU");
  expect(found.verdict).toBe("this machine has no Vulkan");
});
