// A file of named tensors, whatever its kind: names, shapes and types at once, numbers when asked for.
import type { Metadata, StoredDtype, StoredTensor } from "./safetensors.ts";

export interface TensorFile {
  readonly path: string;
  /** For messages: `a safetensors file`, `a PyTorch file`, `an npz file`. */
  readonly kind: string;
  readonly metadata: Metadata;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly read: (name: string) => StoredTensor;
  /** Where in the file its tensors were found, where that is not its top: `state_dict`. */
  readonly within?: string;
}

export interface TensorEntry {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
}
