// Statements of a body: parameters, states, draws, rules, claims.
import type { Diagnostic, FileSpan } from "../../../../grammar/diagnostic.ts";
import { nearestName } from "../../../model/nearest-name.ts";
import { error, listed, nearOr } from "./report.ts";

export function requirement(message: string, at: FileSpan): Diagnostic {
  return error("requirement", message, at);
}

export function unknownDistribution(
  name: string | undefined,
  names: readonly string[],
  at: FileSpan,
): Diagnostic {
  if (name === undefined)
    return error("unknown-distribution", "a distribution is expected after `~`", at);
  return error("unknown-distribution", `no distribution is called \`${name}\``, at, {
    hints: nearOr(name, names, ""),
  });
}

export function notADraw(name: string, names: readonly string[], at: FileSpan): Diagnostic {
  return error("not-a-draw", `\`${name}\` is not drawn by chance`, at, {
    hints: [`what can be drawn: ${names.join(", ")}`],
  });
}

export function drawRange(problem: string, at: FileSpan): Diagnostic {
  return error("out-of-range", problem, at);
}

export function drawOutsideRecipe(at: FileSpan): Diagnostic {
  return error("draw-outside-recipe", "a setting is drawn only in a recipe", at, {
    hints: ["draw kept [batch] ~ bernoulli(0.9) draws a tensor"],
  });
}

export function unknownElement(names: readonly string[], at: FileSpan): Diagnostic {
  return error("element-type", `an element type is one of ${listed(names, "or")}`, at);
}

export function stateWithoutShape(name: string, at: FileSpan): Diagnostic {
  return error("state-without-shape", `nothing says which shape the state \`${name}\` has`, at, {
    hints: [`state ${name} [width] ~ zeros`],
  });
}

export function nextOfNothing(name: string, at: FileSpan): Diagnostic {
  return error("next-of-nothing", `\`${name}\` is no state of this body`, at, {
    hints: [`state ${name} [width] ~ zeros`],
  });
}

export function nextBeforeIt(name: string, at: FileSpan): Diagnostic {
  return error("next-before", `\`next ${name}\` has no value yet`, at, {
    hints: [`next ${name} = …`],
  });
}

export function nextShape(name: string, state: string, value: string, at: FileSpan): Diagnostic {
  return error(
    "shape-mismatch",
    `the new value of \`${name}\` has axes that the state has not`,
    at,
    {
      because: [
        ["the state is", state],
        ["its new value", value],
      ],
    },
  );
}

export function initOfUnknownBlock(
  block: string,
  path: string,
  known: readonly string[],
  at: FileSpan,
): Diagnostic {
  const nearest = nearestName(block, known);
  return error("unknown-block", `there is no block \`${block}\`, so that this sets nothing`, at, {
    hints: nearest === undefined ? [] : [`did you mean \`${nearest}.${path}\`?`],
  });
}

export function initOfUnknownParameter(
  block: string,
  name: string,
  known: readonly string[],
  at: FileSpan,
): Diagnostic {
  return error("unknown-parameter", `\`${block}\` has no parameter \`${name}\`, so that this sets nothing`, at, {
    hints: nearOr(name, known, "it has"),
  }); // prettier-ignore
}

/** \`known\`: what stands below, as \`Linear.weight\`. */
export function initOfNothing(
  block: string,
  path: string,
  known: readonly string[],
  at: FileSpan,
): Diagnostic {
  const wanted = `${block}.${path}`;
  return error("init-of-nothing", `\`init ${wanted}\` describes no parameter below`, at, {
    hints: nearOr(wanted, known, "what stands below"),
  });
}

export function initWithoutBlock(path: string, at: FileSpan): Diagnostic {
  return error("init-without-block", `\`init ${path}\` names no parameter of a block`, at, {
    hints: ["init Linear.weight ~ truncated(std = 0.02)"],
  });
}
