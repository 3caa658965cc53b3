// Settings: names, types, ranges, words of closed sets, arithmetic.
import type { Diagnostic, FileSpan } from "../../../../grammar/diagnostic.ts";
import type { RoleTable } from "../axis.ts";
import { describeValue, showNumber } from "../describe-value.ts";
import { elementsOf, mostItems, type NumberValue, type Value } from "../value.ts";
import { error, listed, nearOr } from "./report.ts";

export { unknownSetting } from "../../../model/errors.ts";

export function settingTwice(callee: string, name: string, at: FileSpan): Diagnostic {
  return error("setting-twice", `\`${name}\` of \`${callee}\` is given twice`, at);
}

export function missingSettings(
  callee: string,
  names: readonly string[],
  at: FileSpan,
): Diagnostic {
  const verb = names.length === 1 ? "has no default" : "have no defaults";
  return error("missing-setting", `\`${callee}\` needs ${listed(names)}, which ${verb}`, at, {
    hints: [`${callee}(${names.map((name) => `${name} = …`).join(", ")})`],
  });
}

export function tooManyArguments(
  callee: string,
  names: readonly string[],
  isAfterRow: boolean,
  at: FileSpan,
): Diagnostic {
  if (isAfterRow) {
    return error(
      "too-many-arguments",
      "after the name of a variant, settings are given by name",
      at,
      {
        hints: names.length === 0 ? [] : [`${names[0]} = …`],
      },
    );
  }
  const takes = names.length === 0 ? "takes nothing" : `takes only ${listed(names)}`;
  return error("too-many-arguments", `\`${callee}\` ${takes}`, at);
}

export function settingType(
  name: string,
  wanted: string,
  found: string,
  at: FileSpan,
  isTensor = false,
): Diagnostic {
  const subject = name === "" ? "this" : `\`${name}\``;
  const isFraction = wanted === "a whole number" && /number -?\d+\.\d/.test(found);
  const hints = isFraction
    ? ["round it: floor(…)"]
    : isTensor
      ? ["settings come first, tensors second: Merge()(a, b)"]
      : [];
  return error("wrong-type", `${subject} takes ${wanted}, but this is ${found}`, at, { hints });
}

export function notAProbability(name: string, value: NumberValue, at: FileSpan): Diagnostic {
  const subject = name === "" ? "this" : `\`${name}\``;
  const hints =
    value.value >= 2 && value.value <= 100 ? [`a percentage says so: ${value.value}%`] : [];
  return error(
    "out-of-range",
    `${subject} is a probability, from 0 to 1, but this is ${showNumber(value)}`,
    at,
    { hints },
  );
}

export function unknownWord(word: string, options: readonly string[], at: FileSpan): Diagnostic {
  return error("unknown-choice", `\`${word}\` is not a choice here`, at, {
    because: [`choices: ${options.join(", ")}`],
    hints: nearOr(word, options, "").filter((hint) => hint.startsWith("did")),
  });
}

export function unknownOption(found: string, options: readonly string[], at: FileSpan): Diagnostic {
  return error(
    "unknown-choice",
    `this takes one of ${listed(options, "or")}, but it is ${found}`,
    at,
  );
}

export function unknownVariant(
  model: string,
  name: string,
  names: readonly string[],
  at: FileSpan,
): Diagnostic {
  return error("unknown-variant", `\`${model}\` has no variant "${name}"`, at, {
    hints: nearOr(name, names, "variants"),
  });
}

export function rowLength(row: string, wanted: number, found: number, at: FileSpan): Diagnostic {
  return error(
    "row-length",
    `the table has ${wanted} columns, but "${row}" has ${found} values`,
    at,
  );
}

// ---------------------------------------------------------------------------------------------- arithmetic

export function operandKind(
  operator: string,
  value: Value,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  return error(
    "wrong-type",
    `\`${operator}\` works on numbers and tensors, but one side is ${describeValue(value, names)}`,
    at,
  );
}

export function divisionByZero(at: FileSpan): Diagnostic {
  return error("division-by-zero", "this divides by 0", at);
}

export function inexactDivision(a: number, b: number, at: FileSpan): Diagnostic {
  return error(
    "inexact-division",
    `${a} / ${b} leaves a rest: whole numbers divide exactly, or inside of floor, ceil or round`,
    at,
    {
      hints: [`floor(${a} / ${b}) is ${Math.floor(a / b)}; ${a}.0 / ${b} is the fraction`],
    },
  );
}

export function notFinite(name: string, value: number, at: FileSpan): Diagnostic {
  return error("not-finite", `\`${name}(${value})\` is not a number`, at);
}

export function notAList(value: Value, names: RoleTable, at: FileSpan): Diagnostic {
  const found = describeValue(value, names);
  if (value.kind === "number" && value.value > mostItems) {
    return error("too-many", `${showNumber(value)} is more than can be counted through`, at);
  }
  return error("wrong-type", `this must be a list or a count, but it is ${found}`, at);
}

export function wrongCount(
  wanted: number,
  value: Value,
  names: RoleTable,
  at: FileSpan,
): Diagnostic {
  const count = elementsOf(value)?.length;
  const found = count === undefined ? describeValue(value, names) : `${count} values`;
  return error("wrong-count", `${wanted} names here, but what they name is ${found}`, at);
}

export function noElement(index: string, length: number, at: FileSpan): Diagnostic {
  return error(
    "no-element",
    `there is no element ${index}: there are ${length}, counted from 0`,
    at,
  );
}

export function listIndex(at: FileSpan): Diagnostic {
  return error("index-form", "a list is indexed by one whole number or a range", at, {
    hints: ["depths[0], depths[..s], depths[1..]"],
  });
}

export function notIndexable(found: string, at: FileSpan): Diagnostic {
  return error("wrong-type", `only lists and tensors are indexed, and this is ${found}`, at);
}

export function noMember(
  name: string,
  owner: string,
  names: readonly string[],
  at: FileSpan,
): Diagnostic {
  return error("unknown-member", `${owner} has no \`${name}\``, at, {
    hints: nearOr(name, names, "it has"),
  });
}

// ---------------------------------------------------------------------------------------------- choice

export function notACondition(value: Value, names: RoleTable, at: FileSpan): Diagnostic {
  return error(
    "wrong-type",
    `a condition is true or false, or asks whether an optional setting is there; this is ${describeValue(value, names)}`,
    at,
  );
}

export function dependsOnData(at: FileSpan): Diagnostic {
  return error("depends-on-data", "choice is decided while compiling, but this is a tensor", at, {
    hints: ["where(condition, a, b) chooses element by element"],
  });
}

export function dependsOnStep(at: FileSpan): Diagnostic {
  return error(
    "depends-on-step",
    "choice is decided while compiling, but this changes with the step",
    at,
    { hints: ["if condition then a else b chooses between numbers or tensors at each step"] },
  );
}

export function chosenByStep(value: Value, names: RoleTable, at: FileSpan): Diagnostic {
  return error(
    "depends-on-step",
    `a step chooses between numbers or tensors, but this is ${describeValue(value, names)}`,
    at,
  );
}

export function noArm(value: Value, names: RoleTable, at: FileSpan): Diagnostic {
  return error("no-arm", `no arm fits ${describeValue(value, names)}`, at, {
    hints: ["else => …"],
  });
}

export function fieldTwice(name: string, at: FileSpan): Diagnostic {
  return error("field-twice", `\`${name}\` is given twice`, at);
}
