// Applying blocks and nets: what they take, where they stand, what lies in them.
import type { Diagnostic, FileSpan } from "../../../../grammar/diagnostic.ts";
import { error, listed, nearOr } from "./report.ts";

export function absentInput(input: string, at: FileSpan): Diagnostic {
  return error("absent-input", `this depends on the input \`${input}\`, which is not given`, at, {
    hints: [`give it: ${input} = …`],
  });
}

export function needsTensor(found: string, at: FileSpan): Diagnostic {
  return error("wrong-type", `a tensor is needed here, but this is ${found}`, at);
}

export function missingInput(callee: string, input: string, at: FileSpan): Diagnostic {
  return error("missing-input", `\`${callee}\` needs its input \`${input}\``, at, {
    hints: [`${callee}(…)(…, ${input}) or, in a pipe, |> ${callee}(…)(${input})`],
  });
}

/** A tensor from outside against the signature of a model. */
export function givenShape(
  input: string,
  found: readonly number[],
  wanted: readonly (
    ".." | { readonly name?: string | undefined; readonly size?: number | undefined }
  )[],
  at: FileSpan,
): Diagnostic {
  const shown = wanted.map((axis) => {
    if (axis === "..") return axis;
    const { name, size } = axis;
    return [name, size].filter((part) => part !== undefined).join(" = ");
  });
  return error(
    "input-shape",
    `the tensor for \`${input}\` is [${found.join(", ")}], but [${shown.join(", ")}] is wanted`,
    at,
  );
}

export function tooManyInputs(
  callee: string,
  names: readonly string[],
  count: number,
  at: FileSpan,
): Diagnostic {
  return error(
    "too-many-arguments",
    `\`${callee}\` takes ${listed(names)}, but ${count} tensors are given`,
    at,
  );
}

export function unknownInput(
  callee: string,
  name: string,
  names: readonly string[],
  at: FileSpan,
): Diagnostic {
  return error("unknown-input", `\`${callee}\` has no input \`${name}\``, at, {
    hints: nearOr(name, names, "it has"),
  });
}

export function elementType(
  callee: string,
  input: string,
  wanted: string,
  found: string,
  at: FileSpan,
): Diagnostic {
  return error(
    "element-type",
    `\`${input}\` of \`${callee}\` holds ${wanted}s, but this is ${found}`,
    at,
    {
      hints:
        wanted === "int"
          ? ["int(x) casts"]
          : wanted === "bool"
            ? ["x > 0 is a bool"]
            : ["float(x) casts"],
    },
  );
}

export function resultKind(callee: string, found: string, at: FileSpan): Diagnostic {
  return error(
    "result-mismatch",
    `\`${callee}\` gives something else than its signature says: ${found}`,
    at,
  );
}

export function missingField(
  callee: string,
  field: string,
  fields: readonly string[],
  at: FileSpan,
): Diagnostic {
  return error(
    "missing-field",
    `\`${callee}\` says that it gives \`${field}\`, but its body does not`,
    at,
    {
      hints: nearOr(field, fields, "its body gives"),
    },
  );
}

export function notCallable(name: string | undefined, found: string, at: FileSpan): Diagnostic {
  const subject = name === undefined ? "this" : `\`${name}\``;
  return error("not-callable", `${subject} is ${found}: it cannot be applied`, at);
}

export function nothingFlows(at: FileSpan): Diagnostic {
  return error("nothing-flows", "nothing flows into this stage", at, {
    hints: ["begin the pipe with a value: x |> …"],
  });
}

export function notAStage(at: FileSpan): Diagnostic {
  return error(
    "not-a-stage",
    "a value goes through a function or a block, and this is neither",
    at,
    {
      hints: ["a stage is a name or a call: x |> mean(tokens)"],
    },
  );
}

export function whenOnAHead(at: FileSpan): Diagnostic {
  return error(
    "when-on-a-head",
    "`when` belongs to a stage, and this is where the pipe begins",
    at,
    {
      hints: ["if condition then a else b"],
    },
  );
}

export function tooDeep(name: string, at: FileSpan): Diagnostic {
  return error("too-deep", `\`${name}\` lies in itself without end`, at, {
    hints: ["say how often with `repeat`: a spec always ends"],
  });
}

// ---------------------------------------------------------------------------------------------- paths and parts

export function pathTwice(
  path: string,
  isUnlabelled: boolean,
  first: FileSpan,
  at: FileSpan,
): Diagnostic {
  const hints = isUnlabelled
    ? ["label them: fc1: Linear(hidden) |> … |> fc2: Linear(width)"]
    : ["to share weights, name the instance first: net shared = Linear(width)"];
  const message =
    path === ""
      ? "two blocks would stand at the same path"
      : `two things would stand at the path \`${path}\``;
  return error("duplicate-path", message, at, {
    labels: [{ span: first, message: "the first one" }],
    hints,
  });
}

export function arrayTwice(path: string, at: FileSpan): Diagnostic {
  return error("duplicate-path", `two parameters would stand at the path \`${path}\``, at, {
    hints: ["label the block without a label that stands at the path of its braces"],
  });
}

export function arrayChanged(
  path: string,
  before: readonly number[],
  now: readonly number[],
  at: FileSpan,
): Diagnostic {
  return error(
    "parameter-changed",
    `\`${path}\` has another shape in this application: [${before.join(", ")}] before, [${now.join(", ")}] now`,
    at,
    {
      hints: ["a net is applied with other settings only as long as no parameter changes"],
    },
  );
}

export function unknownParameter(path: string, known: readonly string[], at: FileSpan): Diagnostic {
  return error("unknown-parameter", `no parameter stands at \`${path}\` here`, at, {
    hints: nearOr(path, known, "parameters"),
  });
}

export function notANet(found: string, at: FileSpan): Diagnostic {
  return error("wrong-type", `a net is a block with its settings, or braces; this is ${found}`, at);
}

export function noPart(
  name: string,
  net: string,
  names: readonly string[],
  at: FileSpan,
): Diagnostic {
  return error("unknown-member", `the net \`${net}\` has no part \`${name}\``, at, {
    hints: nearOr(name, names, "it has"),
  });
}

export function bracesTakeNoSettings(at: FileSpan): Diagnostic {
  return error("braces-take-no-settings", "a part in braces has no settings", at, {
    hints: ["declare a block where it needs some"],
  });
}

export function bracesTakeOne(count: number, at: FileSpan): Diagnostic {
  return error(
    "too-many-arguments",
    `a part in braces takes one tensor, but ${count} are given`,
    at,
  );
}

export function bracesTakeNoNamed(name: string, at: FileSpan): Diagnostic {
  return error(
    "unknown-input",
    `the first stage of a part in braces takes no input \`${name}\``,
    at,
    { hints: ["begin it with a block or net that has such an input"] },
  );
}

export function initializerAmongTensors(at: FileSpan): Diagnostic {
  return error(
    "initializer-among-tensors",
    "an initializer stands among the settings, not among the tensors",
    at,
  );
}

export function countHasNoItems(at: FileSpan): Diagnostic {
  return error("count-has-no-items", "a count has no items to go through", at, {
    hints: ["`repeat 4 as i` counts, `repeat list as (i, item)` goes through a list"],
  });
}

export function tooMuchWork(most: number, at: FileSpan): Diagnostic {
  return error(
    "too-many",
    `this takes more than ${most.toLocaleString("en-US").replaceAll(",", "_")} applications: a graph that large cannot be compiled`,
    at,
  );
}

export function opRefused(reason: string, at: FileSpan): Diagnostic {
  return error("op-refused", reason, at);
}
