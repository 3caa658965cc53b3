// What can be wrong with the names of a file: one function a diagnostic.
import type { Diagnostic, FileSpan } from "../../grammar/diagnostic.ts";
import { nearestHints } from "./nearest-name.ts";

export function duplicateName(name: string, at: FileSpan, first: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "duplicate-name",
    message: `\`${name}\` is declared twice`,
    span: at,
    labels: [{ span: first, message: "first declared here" }],
    hints: ["give one of them another name"],
  };
}

export function importedTwice(name: string, at: FileSpan, first: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "duplicate-import",
    message: `\`${name}\` is imported twice`,
    span: at,
    labels: [{ span: first, message: "first imported here" }],
  };
}

export function missingFile(source: string, tried: readonly string[], at: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "missing-file",
    message: `there is no file for \`${source}\``,
    span: at,
    because: [`looked for ${tried.map((name) => `\`${name}\``).join(" and ")}`],
    hints: ['a file elsewhere is named by its path: use "./folder/name".{Model}'],
  };
}

export function missingExport(
  name: string,
  file: string,
  names: readonly string[],
  at: FileSpan,
): Diagnostic {
  const nearest = nearestHints(name, names);
  const listed =
    names.length === 0 ? [] : [`it has ${names.map((each) => `\`${each}\``).join(", ")}`];
  return {
    severity: "error",
    code: "missing-export",
    message: `\`${file}\` declares no \`${name}\``,
    span: at,
    because: listed,
    hints: nearest,
  };
}

export function importCycle(files: readonly string[], at: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "import-cycle",
    message: `these files import each other: ${files.map((name) => `\`${name}\``).join(" -> ")}`,
    span: at,
    hints: ["move what both need into a third file"],
  };
}

export function variantsOfNothing(
  name: string,
  names: readonly string[],
  at: FileSpan,
): Diagnostic {
  return {
    severity: "error",
    code: "unknown-name",
    message: `these variants belong to \`${name}\`, which this file does not declare`,
    span: at,
    hints: nearestHints(name, names),
  };
}

export function unknownName(name: string, names: Iterable<string>, at: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "unknown-name",
    message: `nothing is called \`${name}\` here`,
    span: at,
    hints: nearestHints(name, names),
  };
}

export function unknownSetting(
  callee: string,
  name: string,
  names: readonly string[],
  at: FileSpan,
): Diagnostic {
  const nearest = nearestHints(name, names);
  const few = names.length > 0 && names.length <= 16 ? [`it has: ${names.join(", ")}`] : [];
  return {
    severity: "error",
    code: "unknown-setting",
    message: `\`${callee}\` has no setting \`${name}\``,
    span: at,
    hints: nearest.length > 0 ? nearest : few,
  };
}

/** Blocks (or functions, or constants) that reach themselves: nothing would end. */
export function definitionCycle(names: readonly string[], at: FileSpan): Diagnostic {
  const [first] = names;
  return {
    severity: "error",
    code: "definition-cycle",
    message:
      names.length <= 2
        ? `\`${first}\` uses itself`
        : `these use each other without end: ${names.map((name) => `\`${name}\``).join(" -> ")}`,
    span: at,
    hints: ["say how often with `repeat`: a spec always ends"],
  };
}

export function duplicateVariant(name: string, at: FileSpan, first: FileSpan): Diagnostic {
  return {
    severity: "error",
    code: "duplicate-variant",
    message: `the variant "${name}" is listed twice`,
    span: at,
    labels: [{ span: first, message: "first listed here" }],
  };
}
