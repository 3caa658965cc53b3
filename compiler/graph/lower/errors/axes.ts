// Shapes and axes: names, both sizes, and where each came from.
import type { Diagnostic, FileSpan } from "../../../../grammar/diagnostic.ts";
import { axisOf, type Axis, type RoleTable, type SizeOrigin } from "../axis.ts";
import { describeValue } from "../describe-value.ts";
import type { AxisConflict } from "../elementwise.ts";
import type { TensorValue, Value } from "../value.ts";
import { axesText, error, listed, nearOr, placeMark, sizeStory, valueRow } from "./report.ts";

function nameOf(axis: Axis, names: RoleTable): string {
  return axis.role === undefined ? "an axis without a name" : `\`${names.nameOf(axis.role)}\``;
}

export function elementwiseAxes(
  op: string,
  left: TensorValue,
  right: TensorValue,
  [first, second]: readonly [string, string],
  conflict: AxisConflict,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  switch (conflict.kind) {
    case "size": {
      const isLeftLarge = left.axes.includes(conflict.large);
      const [a, b] = isLeftLarge
        ? [conflict.large, conflict.small]
        : [conflict.small, conflict.large];
      return error("shape-mismatch", `\`${op}\` needs equal axes, but ${nameOf(a, names)} differs: ${a.size} and ${b.size}`, at, {
        because: [valueRow(first, left, names, a), valueRow(second, right, names, b)],
        hints: sizeHints(a, b),
      }); // prettier-ignore
    }
    case "missing": {
      const { axis } = conflict;
      const owner = left.axes.includes(axis) ? left : right;
      const other = owner === left ? right : left;
      const alike = other.axes.find(
        (each) =>
          each.size === axis.size &&
          each.role !== undefined &&
          axisOf(owner.axes, each.role) === -1,
      );
      return error("axis-mismatch", `\`${op}\` needs one side's axes within the other's, but only one side has ${nameOf(axis, names)}`, at, {
        because: [valueRow(first, left, names), valueRow(second, right, names)],
        hints: alike === undefined || axis.role === undefined || alike.role === undefined
          ? ["a declared function makes an outer product: dot(a, b, over = ())"]
          : [`equal sizes do not make axes the same; if these are, rename one: x[${names.nameOf(axis.role)} as ${names.nameOf(alike.role)}]`],
      }); // prettier-ignore
    }
    case "unnamed":
      return error("unnamed-axis", `\`${op}\` pairs axes by name, but one here has none`, at, {
        because: [valueRow(first, left, names), valueRow(second, right, names)],
        hints: ["name it first: x |> [batch, width]"],
      });
  }
}

function sizeHints(a: Axis, b: Axis): string[] {
  if (Math.abs(a.size - b.size) === 1)
    return ["one of them counts one entry more, such as a class token"];
  return [];
}

export function pairedAxes(
  name: string,
  axis: Axis,
  other: Axis,
  a: TensorValue,
  b: TensorValue,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  const message = `\`${name}\` pairs ${nameOf(axis, names)}, but its sizes differ: ${axis.size} and ${other.size}`;
  return error("shape-mismatch", message, at, {
    because: [
      valueRow("the first has", a, names, axis),
      valueRow("the second has", b, names, other),
    ],
    hints:
      axis.role === undefined
        ? []
        : [`if they are different axes, rename one: x[${names.nameOf(axis.role)} as keys]`],
  });
}

export function unnamedAxis(
  name: string,
  a: TensorValue,
  b: TensorValue,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  return error("unnamed-axis", `\`${name}\` pairs axes by name, but one here has none`, at, {
    because: [valueRow("the first has", a, names), valueRow("the second has", b, names)],
    hints: ["name it first: x |> [batch, width]"],
  });
}

export function noSuchAxis(
  name: string,
  value: TensorValue,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  const own = value.axes.flatMap((axis) => (axis.role ? [names.nameOf(axis.role)] : []));
  return error("unknown-axis", `the value here has no axis \`${name}\``, at, {
    because: [valueRow("it has", value, names)],
    hints: nearOr(name, own, "axes"),
  });
}

export function unknownAxis(name: string, known: readonly string[], at: FileSpan): Diagnostic {
  return error("unknown-axis", `no axis is called \`${name}\` here`, at, {
    hints: nearOr(name, known, "axes in reach"),
  });
}

export function needsAxis(found: string, at: FileSpan): Diagnostic {
  return error("wrong-type", `this must be the name of an axis, but it is ${found}`, at);
}

export function axisTwice(name: string, at: FileSpan): Diagnostic {
  return error("axis-twice", `the result would have two axes called \`${name}\``, at, {
    hints: [`two roles of one axis are renamed in the open: x[${name} as keys]`],
  });
}

// ---------------------------------------------------------------------------------------------- inputs and results

export function inputRank(
  callee: string,
  input: string,
  wanted: string,
  value: TensorValue,
  names: RoleTable,
  at: FileSpan,
  declared: FileSpan,
): Diagnostic {
  return error(
    "shape-mismatch",
    `\`${callee}\` takes \`${input}: ${wanted}\`, but this has ${countOfAxes(value)}`,
    at,
    {
      because: [
        valueRow("it is given", value, names),
        ["it takes", wanted, `declared at ${placeMark(declared)}`],
      ],
      hints: rankHints(wanted, value, names),
    },
  );
}

function rankHints(wanted: string, value: TensorValue, names: RoleTable): string[] {
  const takesGrid = /rows, *cols/.test(wanted);
  const own = value.axes.flatMap((axis) => (axis.role ? [names.nameOf(axis.role)] : []));
  if (takesGrid && !own.includes("rows"))
    return ["keep the grid as long as you can: only attention flattens"];
  if (/tokens/.test(wanted) && own.includes("rows") && own.includes("cols")) {
    return [
      "flatten the grid first: |> [batch, rows, cols, width] -> [batch, (rows cols) as tokens, width]",
    ];
  }
  return [];
}

function countOfAxes(value: TensorValue): string {
  return value.axes.length === 1 ? "1 axis" : `${value.axes.length} axes`;
}

export function inputSize(
  callee: string,
  input: string,
  name: string,
  wanted: number,
  origin: SizeOrigin,
  axis: Axis,
  at: FileSpan,
): Diagnostic {
  const where = origin.at === undefined ? "" : `${origin.by} at ${placeMark(origin.at)}`;
  return error(
    "shape-mismatch",
    `\`${callee}\` takes ${wanted} for \`${name}\` of \`${input}\`, but is given ${axis.size}`,
    at,
    {
      because: [
        ["it takes", `${name} = ${wanted}`, where],
        ["it is given", String(axis.size), sizeStory(axis)],
      ],
    },
  );
}

export function resultRank(
  callee: string,
  wanted: string,
  value: TensorValue,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  return error(
    "result-mismatch",
    `\`${callee}\` says that it gives ${wanted}, but its body gives ${countOfAxes(value)}`,
    at,
    {
      because: [valueRow("the body gives", value, names)],
      hints: [`-> ${axesText(value.axes, names).replace(/ = \d+/g, "")}`],
    },
  );
}

export function resultSize(
  callee: string,
  name: string,
  wanted: number,
  axis: Axis,
  at: FileSpan,
): Diagnostic {
  return error(
    "result-mismatch",
    `\`${callee}\` says that it gives ${wanted} for \`${name}\`, but its body gives ${axis.size}`,
    at,
    {
      because: [
        ["declared", `${name} = ${wanted}`],
        ["the body gives", String(axis.size), sizeStory(axis)],
      ],
      hints: [`a new size is said in the open: ${name} = _`],
    },
  );
}

export function resultOrder(
  callee: string,
  name: string,
  value: TensorValue,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  return error(
    "result-mismatch",
    `\`${callee}\` gives \`${name}\` in another place than its signature says`,
    at,
    {
      because: [valueRow("the body gives", value, names)],
      hints: ["bring the axes in order with an arrow: [a, b] -> [b, a]"],
    },
  );
}

// ---------------------------------------------------------------------------------------------- arrows

export function patternRank(
  wanted: string,
  value: TensorValue,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  return error(
    "shape-mismatch",
    `${wanted} does not fit what comes in, which has ${countOfAxes(value)}`,
    at,
    {
      because: [valueRow("it is", value, names)],
      hints: ["`..` stands for any further axes"],
    },
  );
}

export function patternSize(
  what: string,
  wanted: number,
  axis: Axis,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  return error(
    "shape-mismatch",
    `${what} is ${wanted} here, but the axis in its place has ${axis.size}`,
    at,
    {
      because: [[nameOf(axis, names), String(axis.size), sizeStory(axis)]],
    },
  );
}

export function wrongPlace(
  name: string,
  value: TensorValue,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  return error("axis-order", `\`${name}\` does not stand in this place`, at, {
    because: [valueRow("the value is", value, names)],
    hints: ["the left side of an arrow meets the axes in order; the right side moves them"],
  });
}

export function splitSize(
  factors: readonly string[],
  sizes: readonly (number | undefined)[],
  axis: Axis,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  const parts = factors.map((name, i) => {
    const size = sizes[i] === undefined ? "?" : String(sizes[i]);
    return name === "" ? size : `${name} = ${size}`;
  });
  return error(
    "split-size",
    `${nameOf(axis, names)} has ${axis.size}, which does not split into (${parts.join(" ")})`,
    at,
    {
      because:
        sizeStory(axis) === "" ? [] : [[nameOf(axis, names), String(axis.size), sizeStory(axis)]],
    },
  );
}

export function splitOpen(factors: readonly string[], at: FileSpan): Diagnostic {
  return error(
    "split-open",
    `the sizes of ${listed(factors)} are both open: only one can be divided out`,
    at,
    {
      hints: [`say one of them: (${factors[0]} ${factors[1]} = 2)`],
    },
  );
}

export function groupWithoutArrow(at: FileSpan): Diagnostic {
  return error(
    "group-without-arrow",
    "a shape alone names axes; splitting one takes an arrow",
    at,
    {
      hints: ["|> [batch, (heads c)] -> [batch, heads, c]"],
    },
  );
}

export function renameOnTheLeft(at: FileSpan): Diagnostic {
  return error("rename-on-the-left", "`as` belongs on the right of an arrow", at, {
    hints: ["|> [batch, r] -> [batch, r as rows]"],
  });
}

export function noPlainFactor(count: number, at: FileSpan): Diagnostic {
  return error(
    "split-count",
    `\`${count} * [..]\` takes a plain \`${count}\` in a split on the left, and there is none`,
    at,
    {
      hints: [`|> [batch, tokens, (${count} heads c)] -> ${count} * [batch, heads, tokens, c]`],
    },
  );
}

export function noSuchAtom(
  name: string,
  atoms: readonly Axis[],
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  const known = atoms.flatMap((atom) => (atom.role ? [names.nameOf(atom.role)] : []));
  return error(
    "unknown-axis",
    `the left side has no \`${name}\`, and its size is not known, so that nothing can be repeated along it`,
    at,
    {
      hints: nearOr(name, known, "the left side has"),
    },
  );
}

export function axisLost(axis: Axis, names: RoleTable, at: FileSpan): Diagnostic {
  return error(
    "axis-lost",
    `the right side leaves out ${nameOf(axis, names)}, which has ${axis.size} entries`,
    at,
    {
      hints:
        axis.role === undefined
          ? []
          : [
              `take one entry, \`take(${names.nameOf(axis.role)}, 0)\`, or reduce it, \`mean(${names.nameOf(axis.role)})\``,
            ],
    },
  );
}

// ---------------------------------------------------------------------------------------------- sizes and slices

export function sizeUnknown(name: string, at: FileSpan): Diagnostic {
  return error("size-unknown", `nothing says how long \`${name}\` is here`, at, {
    hints: [`say it: ${name} = 8`],
  });
}

export function badSize(size: number, at: FileSpan): Diagnostic {
  return error(
    "bad-size",
    `an axis has a whole number of entries, at least 1, but this is ${size}`,
    at,
  );
}

export function notASize(value: Value, names: RoleTable, at: FileSpan): Diagnostic {
  return error(
    "wrong-type",
    `a size is a whole number, but this is ${describeValue(value, names)}`,
    at,
  );
}

export function notADeclaredAxis(at: FileSpan): Diagnostic {
  return error(
    "shape-form",
    "a declared shape is a list of names and sizes; groups and renames belong in arrows",
    at,
  );
}

export function wildcardHere(at: FileSpan): Diagnostic {
  return error("wildcard-here", "`_` stands only for a size in the result of a signature", at);
}

export function sliceOutside(
  from: number,
  to: number,
  axis: Axis,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  return error(
    "slice-outside",
    `${from}..${to} is not within ${nameOf(axis, names)}, which has ${axis.size} entries`,
    at,
    {
      because:
        sizeStory(axis) === "" ? [] : [[nameOf(axis, names), String(axis.size), sizeStory(axis)]],
    },
  );
}

export function takeOutside(index: number, axis: Axis, names: RoleTable, at: FileSpan): Diagnostic {
  return error(
    "slice-outside",
    `${nameOf(axis, names)} has ${axis.size} entries, and ${index} is not among them`,
    at,
    {
      because:
        sizeStory(axis) === "" ? [] : [[nameOf(axis, names), String(axis.size), sizeStory(axis)]],
    },
  );
}

export function notASlice(found: string, axis: string, at: FileSpan): Diagnostic {
  return error("wrong-type", `a slice of \`${axis}\` is a range, but this is ${found}`, at, {
    hints: [`x[${axis} = 1..] slices, take(x, ${axis}, 0) picks one entry`],
  });
}

export function indexWithoutAxis(at: FileSpan): Diagnostic {
  return error("index-form", "an index of a tensor names its axis", at, {
    hints: [
      "x[tokens = 1..] slices, x[tokens as keys] renames, take(x, tokens, 0) picks one entry",
    ],
  });
}
