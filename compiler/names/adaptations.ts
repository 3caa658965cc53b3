// `{ position = resize(bicubic), head = fresh }` -> plain data: what is done where a checkpoint is unlike the net.
//   fresh                                   starts anew, whatever the checkpoint has
//   resize(bilinear | bicubic)              a grid to another size, as PyTorch's interpolate does without align_corners;
//     antialias = true                        with its antialiasing
//     before = 1, grid = (24, 24)             our tokens: how many stand before the grid, and its rows and columns;
//     from = (14, 14), from_before = 1        the checkpoint's. What the model's text says need not be said again.
//   pi_resize, pi_resize(bicubic)           a kernel of patches, by the pseudo-inverse (Beyer et al., 2023)
//   cut                                     what is too long loses its end: the first places of a longer text
//   within = "state_dict"                   where in the file the weights lie
import type { Argument, Expression, RecordExpression, RecordField } from "../../grammar/syntax.ts";
import { pathText } from "../../grammar/syntax.ts";
import { plainValue, type Lookup, type Plain } from "./plain-value.ts";
import type { TokenLayout } from "./token-layout.ts";

export type Adaptation =
  | { readonly kind: "fresh"; readonly path: string }
  | (Resize & { readonly kind: "resize" | "pi_resize" | "cut" });

export interface Resize {
  readonly path: string;
  readonly mode: "linear" | "cubic";
  readonly antialias: boolean;
  /** Of ours, where the axis is one of tokens. */
  readonly tokens?: TokenLayout;
  /** Of the checkpoint's, where it is said. */
  readonly from?: readonly number[];
  readonly fromBefore?: number;
}

export interface Adaptations {
  readonly list: readonly Adaptation[];
  readonly within?: string;
}

export interface AdaptationContext {
  /** Before each path: the net. */
  readonly root: string;
  readonly lookup: Lookup;
  /** What the model says of the tokens of a parameter. */
  readonly tokensOf: (path: string) => TokenLayout | undefined;
  /** False: there is nothing at this path, and that was reported. */
  readonly checkPath: (path: string, field: RecordField) => boolean;
  readonly report: (message: string, at: Expression, near?: string) => void;
}

export const adaptationNames = ["fresh", "resize", "pi_resize", "cut"] as const;

export function readAdaptations(
  record: RecordExpression | undefined,
  context: AdaptationContext,
): Adaptations {
  const list: Adaptation[] = [];
  let within: string | undefined;
  for (const field of record?.fields ?? []) {
    const name = pathText(field.path);
    if (name === "within" && field.value.kind === "string") within = field.value.value;
    else {
      const path = context.root === "" ? name : `${context.root}.${name}`;
      const known = context.checkPath(path, field);
      const adaptation = readOne(path, field.value, context);
      if (known && adaptation !== undefined) list.push(adaptation);
    }
  }
  return within === undefined ? { list } : { list, within };
}

function readOne(
  path: string,
  value: Expression,
  context: AdaptationContext,
): Adaptation | undefined {
  const callee = value.kind === "call" ? value.callee : value;
  const how = callee.kind === "name" ? callee.name : "";
  if (how === "fresh" && value.kind === "name") return { kind: "fresh", path };
  if (how === "cut" && value.kind === "name")
    return { kind: "cut", path, mode: "linear", antialias: false };
  if (how !== "resize" && how !== "pi_resize") {
    context.report("an adaptation is `fresh`, `cut`, `resize(…)` or `pi_resize`", value, how);
    return undefined;
  }
  const given = value.kind === "call" ? value.arguments : [];
  const resize = readResize(
    path,
    given,
    how === "pi_resize" ? "linear" : undefined,
    value,
    context,
  );
  return resize && { kind: how, ...resize };
}

const modes: Readonly<Record<string, Resize["mode"]>> = { bilinear: "linear", bicubic: "cubic" };

function readResize(
  path: string,
  given: readonly Argument[],
  standard: Resize["mode"] | undefined,
  value: Expression,
  { lookup, tokensOf, report }: AdaptationContext,
): Resize | undefined {
  let mode = standard;
  const said = new Map<string, Plain>();
  for (const argument of given) {
    const name = argument.kind === "argument" ? argument.name?.text : "";
    const plain = argument.kind === "argument" ? plainValue(argument.value, lookup) : undefined;
    if (name === undefined && typeof plain === "string" && Object.hasOwn(modes, plain))
      mode = modes[plain];
    else if (name !== undefined && isSaid(name, plain)) said.set(name, plain!);
    else {
      report(
        "a resize takes bilinear or bicubic, and antialias = true, before = 1, grid = (24, 24), from = (14, 14), from_before = 1",
        value,
      );
      return undefined;
    }
  }
  if (mode === undefined) {
    report("say how it is resized: resize(bilinear) or resize(bicubic)", value);
    return undefined;
  }
  const declared = tokensOf(path);
  const grid = said.get("grid") as readonly number[] | undefined;
  const before = (said.get("before") as number | undefined) ?? (grid ? 0 : undefined);
  const tokens = grid ? { grid, before: before! } : declared;
  const from = said.get("from") as readonly number[] | undefined;
  const fromBefore = said.get("from_before") as number | undefined;
  return {
    path,
    mode,
    antialias: said.get("antialias") === true,
    ...(tokens ? { tokens: before === undefined ? tokens : { ...tokens, before } } : {}),
    ...(from ? { from } : {}),
    ...(fromBefore === undefined ? {} : { fromBefore }),
  };
}

function isSaid(name: string, value: Plain | undefined): boolean {
  switch (name) {
    case "antialias":
      return typeof value === "boolean";
    case "before":
    case "from_before":
      return isCount(value);
    case "grid":
    case "from":
      return Array.isArray(value) && value.length > 0 && value.every(isCount);
    default:
      return false;
  }
}

function isCount(value: Plain | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
