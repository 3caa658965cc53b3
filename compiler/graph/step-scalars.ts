// The scalars of a training step that the host computes before it: rates of learning and decays of twins.
import type { Builder } from "./builder.ts";
import type { Node } from "./graph.ts";
import { printHost } from "./host-expression.ts";
import type { HostExpression } from "./lowered.ts";

export interface StepScalar {
  readonly input: string;
  readonly expression: HostExpression;
}

/** Scalar inputs that the host computes before each step; equal courses share one. */
export class StepScalars {
  private readonly known = new Map<string, { input: string; expression: HostExpression }>();

  node(g: Builder, kind: "lr" | "decay", expression: HostExpression): Node {
    const key = `${kind} ${printHost(expression)}`;
    const same = [...this.known.values()].filter(({ input }) => input.startsWith(kind));
    const known = this.known.get(key) ?? {
      input: same.length === 0 ? kind : `${kind}.${same.length}`,
      expression,
    };
    this.known.set(key, known);
    return g.input(known.input, { shape: [], dtype: "f32" });
  }

  entries(): readonly StepScalar[] {
    return [...this.known.values()];
  }
}
