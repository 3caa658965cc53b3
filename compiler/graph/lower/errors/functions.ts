// Functions, declared and intrinsic: what they take.
import type { Diagnostic, FileSpan } from "../../../../grammar/diagnostic.ts";
import type { Axis, RoleTable } from "../axis.ts";
import { describeValue } from "../describe-value.ts";
import type { TensorValue } from "../value.ts";
import { error, listed, sizeStory, valueRow } from "./report.ts";

export function missingArguments(
  callee: string,
  names: readonly string[],
  at: FileSpan,
): Diagnostic {
  return error("missing-argument", `\`${callee}\` needs ${listed(names)}`, at);
}

export function argumentType(
  callee: string,
  name: string,
  wanted: string,
  found: string,
  at: FileSpan,
): Diagnostic {
  return error(
    "wrong-type",
    `\`${name}\` of \`${callee}\` takes ${wanted}, but this is ${found}`,
    at,
  );
}

export function functionOwnsNothing(callee: string, at: FileSpan): Diagnostic {
  return error(
    "function-owns",
    `the function \`${callee}\` owns nothing: no parameters, no state, no initializers`,
    at,
    {
      hints: ["what owns something is a block, with a capital letter"],
    },
  );
}

export function joinAxes(
  name: string,
  item: TensorValue,
  x: TensorValue,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  return error("axis-mismatch", `\`${name}\` joins along one axis and needs the others alike`, at, {
    because: [valueRow("to", x, names), valueRow("comes", item, names)],
  });
}

export function concatParts(at: FileSpan): Diagnostic {
  return error(
    "wrong-type",
    "`concat` takes a tuple of tensors and an axis: concat((a, b), tokens)",
    at,
  );
}

export function tooFewAxes(
  name: string,
  x: TensorValue,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  return error("shape-mismatch", `\`${name}\` needs rows and columns before the last axis`, at, {
    because: [valueRow("it is given", x, names)],
    hints: ["say which axes it slides over: over = samples"],
  });
}

export function windowTooLarge(
  window: number,
  axis: Axis,
  padding: number,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  const where = axis.role === undefined ? "the axis" : `\`${names.nameOf(axis.role)}\``;
  const padded = padding === 0 ? "" : ` and ${padding} of padding at each end`;
  return error(
    "window-too-large",
    `a window of ${window} does not fit into ${where}, which has ${axis.size} entries${padded}`,
    at,
    {
      because: sizeStory(axis) === "" ? [] : [[where, String(axis.size), sizeStory(axis)]],
    },
  );
}

export function channels(
  name: string,
  axis: Axis,
  taken: number,
  groups: number,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  const where = axis.role === undefined ? "the last axis" : `\`${names.nameOf(axis.role)}\``;
  const each = groups === 1 ? "" : ` in ${groups} groups`;
  return error(
    "shape-mismatch",
    `\`${name}\` takes ${taken * groups} channels${each}, but ${where} has ${axis.size}`,
    at,
    {
      because: sizeStory(axis) === "" ? [] : [[where, String(axis.size), sizeStory(axis)]],
      hints: groups > 1 ? ["inputs and outputs both divide by the number of groups"] : [],
    },
  );
}

export function kernelRank(
  axes: number,
  kernel: TensorValue,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  return error(
    "shape-mismatch",
    `a kernel over ${axes} axes has ${axes + 2}: the window, the inputs, the outputs`,
    at,
    {
      because: [valueRow("it is", kernel, names)],
    },
  );
}

export function filterRank(levels: number, axes: number, at: FileSpan): Diagnostic {
  return error(
    "wrong-count",
    `the numbers are nested ${levels} deep, but \`over\` names ${axes} axes`,
    at,
  );
}

export function filterNumbers(at: FileSpan): Diagnostic {
  return error(
    "wrong-type",
    "a filter is a list of numbers, nested once for each axis, all rows of one length",
    at,
  );
}

export function reflectTooFar(by: number, size: number, at: FileSpan): Diagnostic {
  return error("out-of-range", `${by} entries cannot be reflected out of an axis of ${size}`, at);
}

export function notAMean(at: FileSpan): Diagnostic {
  return error(
    "not-a-mean",
    "`unbiased` needs to know how many elements the variance is over, and this is no mean",
    at,
    {
      hints: ["let (m, v) = moments(x, keep = channels)"],
    },
  );
}

export function notAResizeMatrix(at: FileSpan): Diagnostic {
  return error("not-a-resize-matrix", "`pseudo_inverse` takes a resize matrix", at, {
    hints: ["pseudo_inverse(resize_matrix([old = 32, new = 16]))"],
  });
}

export function scatterIndex(
  axis: string,
  index: TensorValue,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  return error(
    "shape-mismatch",
    `the places to scatter to are one int for each entry of \`${axis}\``,
    at,
    {
      because: [valueRow("they are", index, names)],
    },
  );
}

export function sincosWidth(width: number, at: FileSpan): Diagnostic {
  return error(
    "bad-size",
    `sines and cosines of two directions need a width that divides by 4, but it is ${width}`,
    at,
  );
}

export function whereCondition(at: FileSpan): Diagnostic {
  return error("wrong-type", "`where` chooses by a tensor of truth values", at, {
    hints: ["`if condition then a else b` chooses by a setting"],
  });
}

export function noLastAxis(at: FileSpan): Diagnostic {
  return error(
    "unnamed-axis",
    "the last axis has no name, so that nothing can be done over it",
    at,
  );
}

export function notSquare(logits: TensorValue, names: RoleTable, at: FileSpan): Diagnostic {
  return error("shape-mismatch", "`diagonal` needs logits of two axes of one size", at, {
    because: [["they are", describeValue(logits, names)]],
  });
}

export function courseWithoutSteps(name: string, at: FileSpan): Diagnostic {
  return error(
    "course-without-steps",
    `\`${name}\` gives a number that changes with the step, and only a recipe has steps`,
    at,
    { hints: ["take the number as a setting, and give it the course in the recipe"] },
  );
}

export function courseInPipe(name: string, at: FileSpan): Diagnostic {
  return error("wrong-arguments", `nothing flows into \`${name}\`: it gives a number`, at);
}
