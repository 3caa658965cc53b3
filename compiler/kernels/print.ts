// A kernel graph as text, one paragraph a kernel: what it walks, what it sums, what it stores.
//   3 loop layers.0.norm1 sum + ...  [i0: 4, i1: 5] row [i2: 8]
//     r0 = sum b1[i0 * 40 + i1 * 8 + i2]
//     row b7[...] = (b1[...] - r0 * 0.125) * ...
// For people, for `vit compile --show kernels`, and for tests that compare prints.
import { showIndex } from "../ops/index-arithmetic.ts";
import type {
  AttentionKernel,
  Axis,
  Buffer,
  Expression,
  HeadsView,
  HostWork,
  Kernel,
  KernelGraph,
  Store,
} from "./kernel.ts";

export function printKernels({ buffers, kernels }: KernelGraph): string {
  return [...kernels.map(printKernel), ...buffers.map(printBuffer)].join("\n");
}

export function printKernel(kernel: Kernel | HostWork): string {
  const head = `${kernel.id} ${kernel.kind} ${kernel.label}`;
  switch (kernel.kind) {
    case "loop": {
      const row = kernel.row.length === 0 ? "" : ` row ${axes(kernel.row)}`;
      const parts = kernel.parts === undefined ? "" : ` parts ${axes([kernel.parts.axis])} of ${kernel.parts.rows}`; // prettier-ignore
      const stages = kernel.stages.map((stage, number) =>
        stage.kind === "reduce"
          ? `r${number} = ${stage.reducer} ${printExpression(stage.value)}`
          : `${stage.over !== "grid" && kernel.row.length > 0 ? `${stage.over} ` : ""}${printStore(stage.store)}`,
      );
      return lines(`${head}  ${axes(kernel.grid)}${row}${parts}`, stages);
    }
    case "contraction": {
      const roles = [kernel.batch, kernel.m, kernel.n, kernel.k].map(axes);
      const sums = [kernel.sumOfA, kernel.sumOfB].flatMap((sum, side) =>
        sum === undefined ? [] : [`b${sum.buffer}[${showIndex(sum.index)}] = sum of ${"ab"[side]}`],
      );
      return lines(`${head}  batch ${roles[0]} m ${roles[1]} n ${roles[2]} k ${roles[3]}`, [
        `a = ${printExpression(kernel.a)}`,
        `b = ${printExpression(kernel.b)}`,
        ...kernel.stores.map(printStore),
        ...sums,
      ]);
    }
    case "attention":
      return printAttention(head, kernel);
    case "scatter":
      return lines(
        `${head}  ${kernel.outer} times ${kernel.count} into ${kernel.size}, ${kernel.inner} wide`,
        [`b${kernel.output} += b${kernel.values} at b${kernel.indices}`],
      );
    case "host": {
      const inputs = kernel.inputs.map(({ buffer }) => `b${buffer}`);
      return lines(head, [`b${kernel.output.buffer} = ${kernel.op}(${inputs.join(", ")})`]);
    }
  }
}

function printAttention(head: string, kernel: AttentionKernel): string {
  const extents = `batch [${kernel.batch.join(", ")}] heads ${kernel.heads} queries ${kernel.queries} keys ${kernel.keys} channels ${kernel.channels}`; // prettier-ignore
  const view = (name: string, of: HeadsView | undefined): string[] =>
    of === undefined
      ? []
      : [`${name} = b${of.buffer} + ${of.offset} by [${of.strides.join(", ")}]`];
  return lines(`${head} ${kernel.pass}  ${extents}`, [
    ...view("q", kernel.q),
    ...view("k", kernel.k),
    ...view("v", kernel.v),
    ...view("output", kernel.output),
    `statistics = b${kernel.statistics}`,
    ...view("dOutput", kernel.dOutput),
    ...view("dq", kernel.dq),
    ...view("dk", kernel.dk),
    ...view("dv", kernel.dv),
  ]);
}

function lines(head: string, body: readonly string[]): string {
  return [head, ...body.map((line) => `  ${line}`)].join("\n");
}

function axes(list: readonly Axis[]): string {
  return `[${list.map(({ id, extent }) => `i${id}: ${extent}`).join(", ")}]`;
}

function printStore({ buffer, index, value }: Store): string {
  return `b${buffer}[${showIndex(index)}] = ${printExpression(value)}`;
}

const symbols: Partial<Record<string, string>> = {
  add: "+",
  subtract: "-",
  multiply: "*",
  divide: "/",
  less: "<",
  less_equal: "<=",
  greater: ">",
  greater_equal: ">=",
  equal: "==",
  not_equal: "!=",
};

export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case "constant":
      return String(expression.value);
    case "load":
      return `b${expression.buffer}[${showIndex(expression.index)}]`;
    case "position":
      return `(${showIndex(expression.index)})`;
    case "apply": {
      const parts = expression.arguments.map(printExpression);
      const symbol = symbols[expression.instruction];
      if (symbol !== undefined) return `(${parts.join(` ${symbol} `)})`;
      const name = expression.instruction === "cast" ? expression.dtype : expression.instruction;
      return `${name}(${parts.join(", ")})`;
    }
    case "guard": {
      const conditions = expression.conditions.map(
        ({ index, low, high }) => `${low} <= ${showIndex(index)} < ${high}`,
      );
      return `{${conditions.join(", ")} ? ${printExpression(expression.value)} : ${printExpression(expression.otherwise)}}`;
    }
    case "random":
      return `random ${expression.stream} [${showIndex(expression.index)}]`;
    case "reduced":
      return `r${expression.stage}`;
    case "accumulator":
      return "acc";
  }
}

function printBuffer({ id, dtype, length, role, within }: Buffer): string {
  const name = "name" in role ? ` ${role.name}` : role.kind === "table" ? ` ${role.generator}` : "";
  const place = within === undefined ? "" : ` in b${within.buffer} at ${within.offset}`;
  return `b${id}: ${role.kind}${name} ${dtype}[${length}]${place}`;
}
