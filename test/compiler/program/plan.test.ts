// A whole program: places of everything that two entries need, code shared by equal kernels, limits kept.
import { describe, expect, test } from "vitest";
import type { ResidentLayout } from "../../../compiler/compiled.ts";
import { Builder } from "../../../compiler/graph/builder.ts";
import type { TensorGraph } from "../../../compiler/graph/graph.ts";
import { elementCount } from "../../../compiler/graph/graph.ts";
import { simplify } from "../../../compiler/graph/simplify.ts";
import { fuse } from "../../../compiler/kernels/fuse.ts";
import { DEFAULT_WEBGPU_LIMITS, WASM_LIMITS } from "../../../compiler/program/limits.ts";
import { footprint } from "../../../compiler/program/footprint.ts";
import { intervalsOf } from "../../../compiler/program/lifetimes.ts";
import { planProgram } from "../../../compiler/program/plan.ts";
import type { EntryKernels } from "../../../compiler/program/entry-kernels.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { LimitError } from "../../../compiler/program/target.ts";
import { verifyProgram } from "../../../compiler/program/verify.ts";
import { wasmTarget } from "../../../compiler/wasm/generate.ts";
import { webgpuTarget } from "../../../compiler/wgsl/generate.ts";
import { smallVit } from "../graph/small-vit.ts";
import { tinySizes, trainingGraph } from "../kernels/training-graph.ts";

function layoutOf(graph: TensorGraph): ResidentLayout {
  const parts = graph.parameters.map(({ path, shape, dtype, initializer, trainable }) => ({
    path, role: "parameter" as const, shape, dtype, initializer, trainable, resident: path, offset: 0,
  })); // prettier-ignore
  const residents = parts.map(({ path, dtype, shape }) => ({
    name: path,
    dtype,
    length: elementCount(shape),
  }));
  return { residents, parts };
}

function entryOf(name: string, graph: TensorGraph): EntryKernels {
  const outputs = graph.outputs.map(({ name: output, value: { shape, dtype } }) => ({
    name: output,
    shape,
    dtype,
  }));
  return { name, kernels: fuse(graph), inputs: graph.inputs, outputs };
}

const sizes = { ...tinySizes, depth: 3 };

function entries(): { readonly all: EntryKernels[]; readonly layout: ResidentLayout } {
  const { graph } = trainingGraph(sizes, "sgd");
  const g = new Builder();
  const { logits } = smallVit(g, { ...sizes, batch: 5 });
  const predict = simplify(g.finish({ outputs: [{ name: "logits", value: logits }] }));
  return { all: [entryOf("train", graph), entryOf("predict", predict)], layout: layoutOf(graph) };
}

const plan = (limits = DEFAULT_WEBGPU_LIMITS): Program => {
  const { all, layout } = entries();
  return planProgram(all, layout, webgpuTarget, limits);
};

/** Every array of the program that outlives an entry, as bytes of an arena. */
function lasting(program: Program) {
  const slots = [...program.residents, ...program.tables, ...program.entries.flatMap((entry) => [...entry.inputs, ...entry.outputs])]; // prettier-ignore
  const distinct = new Map(slots.map((slot) => [`${slot.place.arena} ${slot.place.offset}`, slot]));
  return [...distinct.values()].map(({ name, place, shape }) => ({ name, ...place, end: place.offset + 4 * elementCount(shape) })); // prettier-ignore
}

describe("a planned program", { timeout: 30_000 }, () => {
  test("gives residents, inputs, outputs and tables places of their own", () => {
    const program = plan();
    const arrays = lasting(program);
    arrays.forEach((a, i) => {
      expect(program.arenas[a.arena]!.kind).not.toBe("scratch");
      expect(a.end).toBeLessThanOrEqual(program.arenas[a.arena]!.bytes);
      for (const b of arrays.slice(i + 1))
        if (a.arena === b.arena)
          expect(a.end <= b.offset || b.end <= a.offset, `${a.name}, ${b.name}`).toBe(true);
    });
  });

  test("keeps what a program promises, and says what is broken", () => {
    const program = plan();
    verifyProgram(program);
    const [first] = program.residents;
    const moved = { ...program, residents: [...program.residents, { ...first!, name: "twin" }] };
    expect(() => verifyProgram(moved)).toThrow(/do not overlap/);
    const small = { ...program, arenas: program.arenas.map((arena) => ({ ...arena, bytes: 256 })) };
    expect(() => verifyProgram(small)).toThrow(/lies inside arena/);
  });

  test("is refused where a kernel would bind more arenas than the device allows", () => {
    expect(() => plan({ ...DEFAULT_WEBGPU_LIMITS, bindingBytes: 4096, storageBuffers: 2 })).toThrow(
      /storageBuffers/,
    );
  });

  test("shares code among repeated layers", () => {
    const program = plan();
    const steps = program.entries.flatMap((entry) => entry.steps);
    const used = new Set(steps.map((step) => (step.kind === "dispatch" ? step.code : -1)));
    expect(used.size).toBe(program.codes.length);
    expect(program.codes.length).toBeLessThan(steps.length * 0.7);
  });

  test("has scratch for the larger entry only", () => {
    const { all, layout } = entries();
    const scratch = (list: EntryKernels[]) =>
      planProgram(list, layout, webgpuTarget, DEFAULT_WEBGPU_LIMITS).arenas.filter(({ kind }) => kind === "scratch")
        .reduce((sum, { bytes }) => sum + bytes, 0); // prettier-ignore
    expect(scratch(all)).toBe(Math.max(...all.map((entry) => scratch([entry]))));
  });

  test("states its footprint: parts that add up, and never below the largest live set", () => {
    const { all, layout } = entries();
    const program = planProgram(all, layout, webgpuTarget, DEFAULT_WEBGPU_LIMITS);
    const bytes = program.arenas.reduce((sum, arena) => sum + arena.bytes, 0);
    const found = footprint(program, all, bytes);
    expect(found.parameters + found.optimizer + found.activations + found.workspace).toBe(bytes);
    expect(found.lowerBound).toBeLessThanOrEqual(found.total);
    expect(intervalsOf(all[0]!).every(({ first, last }) => first <= last)).toBe(true);
  });

  test("spreads over several arenas where a binding is small", () => {
    const program = plan({ ...DEFAULT_WEBGPU_LIMITS, bindingBytes: 4096, storageBuffers: 16 });
    expect(program.arenas.length).toBeGreaterThan(4);
    for (const { bytes } of program.arenas) expect(bytes).toBeLessThanOrEqual(4096);
  });

  test("is refused where one array alone is larger than a binding, by the limit's name", () => {
    expect(() => plan({ ...DEFAULT_WEBGPU_LIMITS, bindingBytes: 512 })).toThrow(LimitError);
    expect(() => plan({ ...DEFAULT_WEBGPU_LIMITS, bindingBytes: 512 })).toThrow(/bindingBytes/);
  });

  test("is refused where a part of the host's memory cannot be counted by the kernels of wasm", () => {
    const g = new Builder();
    const x = g.input("x", { shape: [2 ** 29], dtype: "f32" });
    const y = g.add("sum", [x], { axes: [0] });
    const huge = entryOf("huge", g.finish({ outputs: [{ name: "y", value: y }] }));
    const planned = () => planProgram([huge], { residents: [], parts: [] }, wasmTarget, WASM_LIMITS); // prettier-ignore
    expect(planned).toThrow(
      "an array of `sum (partial)` needs 2147483648 bytes in one piece, the device allows 2147418112 bytes",
    );
  });

  test("is refused where it is larger than the device's memory", () => {
    expect(() => plan({ ...DEFAULT_WEBGPU_LIMITS, totalBytes: 1000 })).toThrow(
      "the program needs 44.5 KiB in all, the device allows 1000 bytes (totalBytes)",
    );
  });
});
