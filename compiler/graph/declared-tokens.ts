// A parameter by its path -> what its declaration says of tokens before a grid, and of the grid.
import type { Library } from "../model/library.ts";
import { readSetting } from "../names/plain-value.ts";
import { declaredAxis, tokenLayout, type TokenLayout } from "../names/token-layout.ts";
import type { Parameter } from "./graph.ts";
import type { BlockUse } from "./lowered.ts";

/** Where parameters and blocks are looked up: a lowered model, or what a recipe owns. */
export interface Owned {
  readonly parameters: { get(path: string): Parameter | undefined };
  standingAt(path: string): readonly BlockUse[];
}

/** Undefined where the text does not say it, or there is no such parameter. */
export function declaredTokens(
  library: Pick<Library, "files">,
  owned: Owned,
  path: string,
): TokenLayout | undefined {
  const parameter = owned.parameters.get(path);
  const file = library.files.get(parameter?.origin.file ?? "");
  const start = parameter?.origin.span?.start;
  if (parameter === undefined || file === undefined || start === undefined) return undefined;
  const axis = declaredAxis(file, start);
  const owner = path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : "";
  const settings = new Map(
    owned
      .standingAt(owner)
      .filter(({ block }) => block === parameter.block)
      .flatMap((use) => use.settings.map(({ name, value }) => [name, readSetting(value)] as const)),
  );
  return axis && tokenLayout(axis, parameter.shape[0]!, (name) => settings.get(name));
}
