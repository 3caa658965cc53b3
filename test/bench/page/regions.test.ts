// The page of figures: made anew where it is generated, left alone where it is written by hand.
import { expect, test } from "vitest";
import { mergeFigures } from "../../../bench/page/merge-figures.ts";
import { fillRegions } from "../../../bench/page/regions.ts";
import { intervalPlot } from "../../../bench/page/interval-plot.ts";
import { workloadPlot } from "../../../bench/page/plots.ts";
import { absent, figures, peer, times } from "./figures.ts";

const page = "By hand.\n\n<!-- begin a -->\n\nold\n\n<!-- end a -->\n\nAlso by hand.\n";

test("a region is replaced, the rest stays, and twice is once", () => {
  const filled = fillRegions(page, { a: "new" });
  expect(filled).toBe("By hand.\n\n<!-- begin a -->\n\nnew\n\n<!-- end a -->\n\nAlso by hand.\n");
  expect(fillRegions(filled, { a: "new" })).toBe(filled);
});

test("a region that the page lacks is an error", () => {
  expect(() => fillRegions(page, { b: "new" })).toThrow("the page has no region b");
});

test("a later run stands in place of an earlier one, workload by workload", () => {
  const first = figures({ workloads: [times("digits", [peer("Vitrail, wasm", 2, 50)]), times("vit-tiny", [peer("Vitrail, wasm", 2, 700)])] }); // prettier-ignore
  const second = figures({ workloads: [times("digits", [peer("Vitrail, wasm", 2, 40)])] });
  const medians = mergeFigures([first, second]).workloads.map(({ results }) => results[0]!.spread!.median); // prettier-ignore
  expect(medians).toEqual([40, 700]);
});

test("figures of two machines are not put on one page", () => {
  const other = { ...figures().machine, cpu: "another" };
  expect(() => mergeFigures([figures(), figures({ machine: other })])).toThrow(
    "different machines",
  );
});

test("a plot has a mark for each peer with a time, the fastest first", () => {
  const svg = intervalPlot(
    workloadPlot(
      times("digits", [
        peer("jax-js, wasm", 2, 400),
        peer("Vitrail, wasm", 2, 50),
        absent("PyTorch, CUDA", "no GPU"),
      ]),
    ),
  );
  const labels = [...svg.matchAll(/text-anchor="end"[^>]*>([^<]*)</g)].map(([, label]) => label);
  expect(labels).toEqual(["Vitrail, wasm, 2 threads", "jax-js, wasm, 2 threads"]);
  expect(svg.match(/<circle/g)).toHaveLength(2);
});
