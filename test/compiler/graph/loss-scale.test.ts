// The loss scale from one step to the next: halved by an overflow, doubled after 2,000 sound steps, within bounds.
import { expect, test } from "vitest";
import { Builder } from "../../../compiler/graph/builder.ts";
import { interpret } from "../../../compiler/graph/interpret.ts";
import { LossScale, lossScaling, placeLossScale } from "../../../compiler/graph/loss-scale.ts";
import { LayoutBuilder } from "../../../compiler/graph/resident-layout.ts";

interface Given {
  readonly scale: number;
  readonly sound: number;
  readonly loss?: number;
  readonly gradient?: number;
}

function next({ scale, sound, loss = 1, gradient = 1 }: Given): readonly number[] {
  const layout = new LayoutBuilder();
  placeLossScale(layout);
  const g = new Builder();
  const isFinite = (name: string) =>
    g.add("is_finite", [g.input(name, { shape: [], dtype: "f32" })]);
  const renewed = new LossScale(g, layout.finish()).renewed(isFinite("loss"), isFinite("gradient"));
  const inputs = new Map([
    ["loss", Float64Array.of(loss)],
    ["gradient", Float64Array.of(gradient)],
  ]);
  const { updates } = interpret(
    g.finish({ updates: [renewed] }),
    inputs,
    new Map([["loss_scaling", Float64Array.of(scale, sound)]]),
  );
  return [...updates.get("loss_scaling")!];
}

test("a sound step is counted", () => {
  expect(next({ scale: 32768, sound: 7 })).toEqual([32768, 8]);
});

test("a gradient that is not finite halves the scale and begins the count anew, not below 1", () => {
  expect(next({ scale: 32768, sound: 7, gradient: Infinity })).toEqual([16384, 0]);
  expect(next({ scale: 32768, sound: 7, gradient: NaN })).toEqual([16384, 0]);
  expect(next({ scale: 1, sound: 7, gradient: NaN })).toEqual([1, 0]);
});

test("the 2,000th sound step in a row doubles it, up to a bound", () => {
  expect(next({ scale: 1024, sound: 1998 })).toEqual([1024, 1999]);
  expect(next({ scale: 1024, sound: 1999 })).toEqual([2048, 0]);
  expect(next({ scale: lossScaling.most, sound: 1999 })).toEqual([lossScaling.most, 0]);
});

test("a loss that is not finite says nothing about the scale", () => {
  expect(next({ scale: 1024, sound: 3, loss: NaN, gradient: NaN })).toEqual([1024, 3]);
});
