// A recipe -> the same with an optimizer that keeps the gradient and moves nothing, in a file that is on no disk.
import { basename } from "node:path";
import type { Files } from "../../compiler/model/load-library.ts";
import { specFiles } from "../../runtime/host/node-specs.ts";
import type { SpecTarget } from "../../runtime/spec/spec-target.ts";

/** A recipe, and the files that it is in. */
export interface WrittenRecipe {
  readonly spec: SpecTarget;
  readonly files: Files;
}

export function asWritten(spec: SpecTarget): WrittenRecipe {
  return { spec, files: specFiles() };
}

/** The gradient by the parameter at PATH, before clipping, is the part `gradient/PATH` after a step. */
export function keepingGradients({ file, name, variant }: SpecTarget): WrittenRecipe {
  const beside = file.replace(/\.vit$/, "-gradients.vit");
  const text = `use "./${basename(file, ".vit")}".{${name}}

/// The settings are those that an \`except\` may name; they change nothing.
optimizer KeepGradient(
  decay: real = 0, adapt: bool = true, momentum: real = 0, nesterov: bool = false,
  betas: (real, real) = (0.9, 0.999), eps: real = 0, trust: real = 0, cap: real = 0, least: int = 0,
)(p, g, t, lr) {
  state gradient ~ zeros
  next gradient = g
  p
}

recipe gradients from ${name}(${variant === undefined ? "" : `"${variant}"`}) {
  optimizer = KeepGradient()
  clip      = none
}
`;
  const disk = specFiles();
  const files = {
    ...disk,
    read: (path: string) => (path === beside ? text : disk.read(path)),
  };
  return { spec: { file: beside, name: "gradients" }, files };
}
