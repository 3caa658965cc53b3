// The names of others in a file, held against the models that they are for: the first variant of each is lowered, and
// its parameters get their names in every format that the file has for it.
import type { Diagnostic } from "../../grammar/diagnostic.ts";
import type { BlockDeclaration } from "../../grammar/syntax.ts";
import type { FileScope, Library } from "../model/library.ts";
import { variantsOf } from "../model/library.ts";
import { checkNameMaps } from "../names/check-names.ts";
import { namesIn } from "../names/name-maps.ts";
import { resolveNames } from "../names/resolve-names.ts";
import type { LoweredModel } from "./lowered.ts";
import { lowerModel } from "./lower-model.ts";

/** `isClosed` says of a model without variants whether it can stand alone. */
export function checkNamedModels(
  library: Library,
  file: FileScope,
  isClosed: (declaration: BlockDeclaration) => boolean,
): readonly Diagnostic[] {
  const wrong = checkNameMaps(library, file);
  if (wrong.length > 0 || library.cycles.length > 0) return wrong;
  const models = new Map<unknown, LoweredModel | undefined>();
  return namesIn(library, file).flatMap(({ declaration, block }) => {
    const model = block?.declaration;
    if (block === undefined || model?.kind !== "model") return [];
    if (!models.has(model)) {
      const variant = variantsOf(block)?.rows[0]?.name.value;
      const canStand = variant !== undefined || isClosed(model);
      const request = { file: block.file.name, model: model.name.text };
      models.set(
        model,
        canStand
          ? lowerModel(library, variant === undefined ? request : { ...request, variant }).model
          : undefined,
      );
    }
    const lowered = models.get(model);
    if (lowered === undefined) return [];
    const { parameters, states } = lowered.graph;
    const subject = { parameters, states, modules: lowered.modules };
    return resolveNames(library, subject, { format: declaration.format.text }).diagnostics;
  });
}
