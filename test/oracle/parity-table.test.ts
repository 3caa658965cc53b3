// The table is read back as it was written, so that cases can be measured anew one by one.
import { expect, test } from "vitest";
import { readRows, writeParity } from "./parity-table.ts";
import type { ParityRow } from "./parity-table.ts";

test("rows come back from the page, to the digit that it shows", () => {
  const rows: readonly ParityRow[] = [
    { name: "vit-token", reference: "timm 1.0.31", errors: { "outputs wasm": 6e-7, "steps webgpu": 3e-5 } }, // prettier-ignore
    { name: "vit-torchvision", reference: "torchvision 0.29.1", errors: { "outputs interpret": 2e-12 } }, // prettier-ignore
  ];
  expect(readRows(writeParity(rows))).toEqual(rows);
  expect(readRows("")).toEqual([]);
});
