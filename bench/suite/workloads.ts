// What is measured: a network that every peer builds for itself from these numbers, on the same weights and batch.
// Classified images have one channel and there are ten classes, as the digits that install with the project have.

export interface Transformer {
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly hidden: number;
}

export type Network =
  | (Transformer & { readonly family: "vit"; readonly patch: number; readonly size: number })
  | {
      readonly family: "mixer";
      readonly width: number;
      readonly depth: number;
      readonly tokensHidden: number;
      readonly hidden: number;
      readonly patch: number;
      readonly size: number;
    }
  | { readonly family: "resnet"; readonly depths: readonly number[]; readonly size: number }
  /** Images of `size` and causal texts of `length` words meet in one space; the loss is over all pairs of the batch. */
  | {
      readonly family: "towers";
      readonly visual: Transformer & { readonly patch: number };
      readonly textual: Transformer & { readonly length: number; readonly vocabulary: number };
      readonly embed: number;
      readonly size: number;
    };

export interface Workload {
  /** As it is asked for on the command line. */
  readonly name: string;
  readonly title: string;
  readonly kind: "train" | "forward";
  readonly network: Network;
  readonly batch: number;
  /** Of a training step. */
  readonly rate?: number;
  /** Of a training step the recipe, whose net is `model`; of a forward pass the model, for one channel and ten classes. */
  readonly target: string;
}

export const classes = 10;
export const channelsOf = ({ family }: Network): number => (family === "towers" ? 3 : 1);
/** Of Adam (Kingma & Ba, 2015) with its usual betas of 0.9 and 0.999, without decay. */
const rate = 1e-3;
/**
 * Of a network whose batch norms make gradients vanish along many weights: Adam's first step moves a weight by the whole
 * rate, to the side that a rounding error says. At 1e-3 PyTorch with two threads is 6e-3 away from PyTorch with one.
 */
const smallRate = 1e-5;

const digits: Network = { family: "vit", width: 64, depth: 6, heads: 4, hidden: 128, patch: 7, size: 28 }; // prettier-ignore
const tiny: Network = { family: "vit", width: 192, depth: 12, heads: 3, hidden: 768, patch: 16, size: 224 }; // prettier-ignore
const small: Network = { family: "vit", width: 384, depth: 12, heads: 6, hidden: 1536, patch: 16, size: 224 }; // prettier-ignore
const mixer: Network = { family: "mixer", width: 512, depth: 8, tokensHidden: 256, hidden: 2048, patch: 16, size: 224 }; // prettier-ignore
const resnet: Network = { family: "resnet", depths: [3, 4, 6, 3], size: 224 };
const towers: Network = {
  family: "towers",
  visual: { width: 128, depth: 4, heads: 4, hidden: 512, patch: 8 },
  textual: { width: 128, depth: 4, heads: 4, hidden: 512, length: 32, vocabulary: 256 },
  embed: 64,
  size: 64,
};

export const workloads: readonly Workload[] = [
  { name: "digits", title: "digits ViT, training step, batch 128", kind: "train", network: digits, rate, batch: 128, target: "bench/models.vit:digits" },
  { name: "vit-tiny", title: "ViT-Ti/16 at 224, training step, batch 8", kind: "train", network: tiny, rate, batch: 8, target: "bench/models.vit:vit_tiny" },
  { name: "vit-tiny-forward", title: "ViT-Ti/16 at 224, forward, batch 1", kind: "forward", network: tiny, batch: 1, target: "specs/vit.vit:ViT@Ti/16" },
  { name: "vit-small", title: "ViT-S/16 at 224, training step, batch 8", kind: "train", network: small, rate, batch: 8, target: "bench/models.vit:vit_small" },
  { name: "vit-small-forward", title: "ViT-S/16 at 224, forward, batch 1", kind: "forward", network: small, batch: 1, target: "specs/vit.vit:ViT@S/16" },
  { name: "mixer-small", title: "Mixer-S/16 at 224, training step, batch 8", kind: "train", network: mixer, rate, batch: 8, target: "bench/models.vit:mixer_small" },
  { name: "resnet50", title: "ResNet-50 at 224, training step, batch 8", kind: "train", network: resnet, rate: smallRate, batch: 8, target: "bench/models.vit:resnet50" },
  { name: "resnet50-forward", title: "ResNet-50 at 224, forward, batch 1", kind: "forward", network: resnet, batch: 1, target: "specs/resnet.vit:ResNet@50" },
  { name: "two-towers", title: "two towers with a loss over all pairs, training step, batch 64", kind: "train", network: towers, rate, batch: 64, target: "bench/models.vit:two_towers" },
]; // prettier-ignore
