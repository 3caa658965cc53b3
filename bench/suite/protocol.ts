// How the suite and a peer speak: each peer is a process of its own that reads a JSON line and answers with one.
import type { Workload } from "./workloads.ts";

export type Request =
  | {
      readonly ask: "prepare";
      readonly workload: Workload;
      /** Safetensors: weights under our names, linear [in, out], kernels [rows, cols, in, out]. */
      readonly weights: string;
      /** Safetensors: `image` f32 [batch, rows, cols, channels], `label` i32 [batch] or `text` i32 [batch, length]. */
      readonly batch: string;
      readonly threads: number;
    }
  /** One training step or forward pass. */
  | { readonly ask: "run" };

export type Answer =
  /** Ready; what it is, with its version and how it computes. */
  | { readonly answer: "ready"; readonly version: string }
  /** It cannot do this workload. */
  | { readonly answer: "cannot"; readonly why: string }
  /** `loss` before the step; of a forward pass the sum of the squares of the outputs. */
  | { readonly answer: "ran"; readonly ms: number; readonly loss: number };
