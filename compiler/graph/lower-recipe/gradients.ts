// `metric spike = max(abs(gradient(online.backbone.layers.0)))`: the gradients of a part's parameters, end to end.
// They are there once the step is differentiated; until then an input stands in for them, and a request says of what.
import { dottedName } from "./free-names.ts";
import type { FileSpan } from "../../../grammar/diagnostic.ts";
import type { Parameter } from "../graph.ts";
import type { GradientRequest } from "../lowered.ts";
import type { Intrinsic, IntrinsicCall } from "../lower/intrinsic.ts";
import { intrinsic, stopWith } from "../lower/intrinsics/arguments.ts";
import { isUnder } from "../lower/path-frame.ts";
import type { Value } from "../lower/value.ts";
import { elementCount } from "../graph.ts";
import { nearestName } from "../../model/nearest-name.ts";

/** The requests of one graph. */
export class Gradients {
  /** Paths of the parameters that any loss teaches; undefined as long as losses are being made, and in evaluations. */
  learning: ReadonlySet<string> | undefined;
  private readonly byInput = new Map<string, GradientRequest>();

  requests(): readonly GradientRequest[] {
    return [...this.byInput.values()];
  }

  /** `gradient(part)`, for the evaluator of that graph. */
  readonly function: Intrinsic = intrinsic(
    "gradient",
    "the gradients of the loss by the parameters of a part, end to end",
    ["part"],
    (call) => this.standIn(call),
  );

  private standIn(call: IntrinsicCall): Value {
    const { evaluator, scope, at } = call;
    const { learning } = this;
    if (!learning)
      return refuse(call, at, "a gradient belongs to a step of training", [
        "read it in a `metric`: `metric size = max(abs(gradient(model)))`",
      ]);
    const given = call.arguments.get("part")!;
    const path =
      given.value?.kind === "net" ? given.value.path : given.expression && dottedName(given.expression)?.join("."); // prettier-ignore
    if (path === undefined)
      return refuse(call, given.at, "`gradient` takes a net or a part of one, by its name", [
        "`gradient(model.layers.0)`",
      ]);
    const { parameters, modules } = evaluator.instances;
    const learned = [...parameters.values()].filter(
      (parameter) =>
        isUnder(parameter.path, path) && parameter.trainable && learning.has(parameter.path),
    );
    if (learned.length === 0) {
      const nearest = nearestName(path, [...modules.keys(), ...parameters.keys()]);
      const hints =
        nearest === undefined || nearest === path ? [] : [`did you mean \`${nearest}\`?`];
      return refuse(call, given.at, `nothing at \`${path}\` learns from the loss`, hints);
    }
    const input = `gradient ${path}`;
    this.byInput.set(input, { input, paths: learned.map((parameter) => parameter.path) });
    const axes = [{ name: "parameters", size: total(learned) }];
    return evaluator.input(input, axes, "f32", scope, at);
  }
}

function total(parameters: readonly Parameter[]): number {
  return parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

function refuse(
  { evaluator, scope }: IntrinsicCall,
  span: FileSpan,
  message: string,
  hints: readonly string[],
): never {
  const diagnostic = { severity: "error", code: "wrong-gradient", message, span, hints } as const;
  return stopWith(evaluator.fail(diagnostic, scope));
}
