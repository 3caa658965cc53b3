// Numbers of a recipe that change with the step (`let weight = cosine(1 to 0)`, `AdamW(decay = cosine(0.04 to 0.4))`):
// each becomes one scalar input of every graph that reads it, which the host computes and writes before each step.
// Equal courses share an input, wherever they are written.
import { printHost } from "../host-expression.ts";
import type { Builder } from "../builder.ts";
import type { Node } from "../graph.ts";
import type { HostExpression } from "../lowered.ts";

export interface CourseInput {
  readonly input: string;
  readonly expression: HostExpression;
}

/** Inputs that every run knows by these names. */
const reserved = ["seed", "step", "t", "lr", "decay", "weights", "features", "metrics"];

export class Courses {
  private readonly names = new Map<string, string>();
  private readonly known = new Map<string, CourseInput>();
  private readonly isTaken: (name: string) => boolean;

  /** `isTaken`: names that mean an input already, such as those of views. */
  constructor(isTaken: (name: string) => boolean) {
    this.isTaken = isTaken;
  }

  /** What logs call a course: the name that it was first given. */
  name(expression: HostExpression, name: string): void {
    const key = printHost(expression);
    if (!this.names.has(key) && !reserved.includes(name)) this.names.set(key, name);
  }

  /** The scalar of a graph. */
  node(g: Builder, expression: HostExpression): Node {
    const key = printHost(expression);
    const known = this.known.get(key) ?? {
      input: this.free(this.names.get(key) ?? "course"),
      expression,
    };
    this.known.set(key, known);
    return g.input(known.input, { shape: [], dtype: "f32" });
  }

  /** All that any graph has read, in the order of their first use. */
  entries(): readonly CourseInput[] {
    return [...this.known.values()];
  }

  private free(wanted: string): string {
    const inputs = [...this.known.values()].map(({ input }) => input);
    const isFree = (name: string) => !inputs.includes(name) && !this.isTaken(name);
    let name = wanted;
    for (let i = 1; !isFree(name); i++) name = `${wanted}.${i}`;
    return name;
  }
}
