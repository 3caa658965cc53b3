// The dynamic loss scale of `precision = f16`: small gradients vanish in halves, so the loss is multiplied before it is
// differentiated, and the gradients are divided after (Micikevicius et al., 2018, "Mixed precision training").
// A step whose gradients are not finite is skipped (the old values stay) and halves the scale; after so many sound steps
// it doubles. It is a power of two, so that it changes no bits of what neither vanishes nor overflows.
// It is state like any other: a checkpoint has it. The run ends where it cannot fall any more, or where the loss itself,
// which no scale has touched, is not finite.
import type { ResidentLayout } from "../compiled.ts";
import type { Builder } from "./builder.ts";
import type { Node, Update } from "./graph.ts";
import type { LayoutBuilder } from "./resident-layout.ts";
import { residentLeaf } from "./resident-layout.ts";

export const lossScaling = {
  start: 2 ** 15,
  least: 1,
  most: 2 ** 24,
  /** Sound steps after which it doubles. */
  patience: 2000,
  /** The scale of a step among its metrics. */
  metric: "loss_scale",
} as const;

const resident = "loss_scaling";

export function placeLossScale(layout: LayoutBuilder): void {
  const part = (path: string, value: number) => ({
    path,
    role: "state" as const,
    shape: [],
    dtype: "f32" as const,
    initializer: { kind: "constant", settings: { value } },
    trainable: false,
  });
  layout.add(resident, [part("loss_scale", lossScaling.start), part("loss_scale_sound_steps", 0)]);
}

/** The scale in the graph of a step. */
export class LossScale {
  /** [] f32. */
  readonly value: Node;
  private readonly soundSteps: Node;
  private readonly g: Builder;

  constructor(g: Builder, layout: ResidentLayout) {
    this.g = g;
    const state = residentLeaf(g, layout, resident);
    this.value = g.reshape(g.slice(state, [0], [1]), []);
    this.soundSteps = g.reshape(g.slice(state, [1], [1]), []);
  }

  scaled(loss: Node): Node {
    return this.g.multiply(loss, this.value);
  }

  unscaled(gradient: Node): Node {
    return this.g.divide(gradient, this.value);
  }

  /** What the next step finds. A loss that is not finite is none of the scale's business. */
  renewed(isLossFinite: Node, isGradientFinite: Node): Update {
    const { g, value, soundSteps } = this;
    return g.under({ path: "", role: "optimizer" }, () => {
      const counted = g.plus(soundSteps, 1);
      const isDue = g.greaterEqual(counted, lossScaling.patience);
      const larger = g.minimum(g.multiply(value, 2), lossScaling.most);
      const smaller = g.maximum(g.multiply(value, 0.5), lossScaling.least);
      const sound = [g.select(isDue, larger, value), g.select(isDue, 0, counted)] as const;
      const after = [
        g.select(isGradientFinite, sound[0], smaller),
        g.select(isGradientFinite, sound[1], 0),
      ] as const;
      const pieces = [g.select(isLossFinite, after[0], value), g.select(isLossFinite, after[1], soundSteps)]; // prettier-ignore
      return { path: resident, value: g.concat(pieces.map((piece) => g.reshape(piece, [1])), 0) }; // prettier-ignore
    });
  }
}
