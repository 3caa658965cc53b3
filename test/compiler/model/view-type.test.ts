import { describe, expect, test } from "vitest";
import type { CatalogField, Settings } from "../../../compiler/model/catalog.ts";
import { applyToViewType, viewTypeOf } from "../../../compiler/model/view-type.ts";
import type { ViewType } from "../../../compiler/model/view-type.ts";
import { catalog } from "../../../runtime/data/catalog.ts";

const { operations } = catalog();

function image(rows: number | null, cols: number | null): ViewType {
  const axes = [
    { name: "rows", extent: rows },
    { name: "cols", extent: cols },
    { name: "channels", extent: 3 },
  ];
  return viewTypeOf({ name: "image", kind: "image", axes, dtype: "f32" });
}

/** The extents after a chain of operations, or the problem. */
function through(start: ViewType, ...chain: readonly (readonly [string, Settings])[]): unknown {
  let type = start;
  for (const [name, settings] of chain) {
    const next = applyToViewType(
      type,
      operations.find((one) => one.name === name)!,
      settings,
    );
    if ("problem" in next) return next.problem;
    type = next;
  }
  return type.axes.map((axis) => axis.extent);
}

describe("the shape of a view", () => {
  test("is fixed by a crop", () => {
    expect(through(image(null, null), ["random_crop", { size: 224 }])).toEqual([224, 224, 3]);
    expect(through(image(500, 375), ["center_crop", { size: [100, 50] }])).toEqual([100, 50, 3]);
  });

  test("keeps its proportions under a resize of one number", () => {
    expect(through(image(500, 375), ["resize", { size: 256 }])).toEqual([341, 256, 3]);
    expect(through(image(null, null), ["resize", { size: 256 }])).toEqual([null, null, 3]);
    expect(through(image(null, null), ["resize", { size: [256, 128] }])).toEqual([256, 128, 3]);
  });

  test("is a square after a crop that is still to be resized, as when two views share it", () => {
    const crop = ["random_resized_crop", { size: null }] as const;
    expect(through(image(null, null), crop, ["flip", {}], ["resize", { size: 240 }])).toEqual([
      240, 240, 3,
    ]);
  });
});

describe("a view is refused", () => {
  test("where an operation needs the range that normalize has taken away", () => {
    expect(through(image(28, 28), ["normalize", {}], ["scale", {}])).toBe(
      "`scale` needs values of a known range, which `normalize` has taken away",
    );
  });

  test("where an image operation meets a label", () => {
    const label: CatalogField = { name: "label", kind: "label", axes: [], dtype: "i32" };
    expect(through(viewTypeOf(label), ["flip", {}])).toBe(
      "`flip` works on an image, but this is a label",
    );
  });
});
