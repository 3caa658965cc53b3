// An `optimizer` of the language and its settings -> a body that can be applied to a parameter, or to a flat arena of many.
// The evaluator of dataflow walks the body; only `state` and `next` are read here, since slots have the shape of `p`.
import type { Diagnostic } from "../../../grammar/diagnostic.ts";
import type {
  Expression,
  Field,
  OptimizerDeclaration,
  Span,
  StateStatement,
} from "../../../grammar/syntax.ts";
import type { FileScope, Library } from "../../model/library.ts";
import { findName } from "../../model/library.ts";
import type { Builder } from "../builder.ts";
import type { DType, Initializer, Node, State } from "../graph.ts";
import type { OptimizerUse } from "../lowered.ts";
import type { Axis } from "../lower/axis.ts";
import { Evaluator } from "../lower/evaluator.ts";
import { Instances } from "../lower/instances.ts";
import type { RunSteps } from "../lower/run-steps.ts";
import type { Scope } from "../lower/scope.ts";
import { tensor } from "../lower/value.ts";
import type { Value } from "../lower/value.ts";
import { dataflowValue } from "./dataflow-value.ts";
import { nearestHint } from "./nearest-hint.ts";
import { optimizerFunctions } from "./optimizer-functions.ts";
import { reachOf } from "./optimizer-reach.ts";
import type { Problems } from "./problems.ts";
import { printValue } from "./recipe-value.ts";
import type { RecipeValue } from "./recipe-value.ts";

/** An optimizer with its settings known, not yet checked on any shape. */
export interface OptimizerCall {
  readonly declaration: OptimizerDeclaration;
  readonly file: FileScope;
  readonly settings: ReadonlyMap<string, RecipeValue>;
}

type Applied = ReturnType<OptimizerUse["apply"]>;
type Place = Parameters<OptimizerUse["apply"]>[1];

/** The declaration that `optimizer = AdamW(…)` names; undefined (and reported) where there is none. */
export function findOptimizer(
  name: string,
  library: Library,
  file: FileScope,
  problems: Problems,
  span: Span,
): { readonly declaration: OptimizerDeclaration; readonly file: FileScope } | undefined {
  const found = findName(library, file, name);
  if (found?.declaration.kind === "optimizer")
    return { declaration: found.declaration, file: found.file };
  const known = [
    ...file.declarations,
    ...[...library.standard].map(([each, { declaration }]) => [each, declaration] as const),
  ]
    .filter(([, declaration]) => declaration.kind === "optimizer")
    .map(([each]) => each);
  problems.error(
    "unknown-optimizer",
    `there is no optimizer \`${name}\``,
    file.name,
    span,
    nearestHint(name, known),
  );
  return undefined;
}

/** Makes the body usable. Mistakes in it are reported through `problems`, on a probe of one shape. */
export function openOptimizer(
  call: OptimizerCall,
  library: Library,
  problems: Problems,
  steps: RunSteps,
): OptimizerUse {
  const { declaration } = call;
  const report = (diagnostic: Diagnostic): void => problems.add(diagnostic);
  return {
    name: declaration.name.text,
    settings: [...call.settings].map(([name, value]) => ({ name, value: printValue(value) })),
    reach: reachOf((g, at) => applyBody(call, { library, steps, report }, g, at)),
    apply: (g, at) => {
      const applied = applyBody(call, { library, steps, report }, g, at);
      if (!applied)
        throw new Error(
          `the optimizer ${declaration.name.text} was applied although it has errors`,
        );
      return applied;
    },
  };
}

interface Around {
  readonly library: Library;
  /** What a setting that follows a course is at each step. */
  readonly steps: RunSteps;
  readonly report: (diagnostic: Diagnostic) => void;
}

/** Undefined where the body is wrong (and reported). */
function applyBody(
  call: OptimizerCall,
  { library, steps, report }: Around,
  g: Builder,
  at: Place,
): Applied | undefined {
  const { declaration, file, settings } = call;
  let isSound = true;
  const evaluator = new Evaluator({
    library,
    builder: g,
    instances: new Instances(),
    subject: declaration.name.text,
    report: (diagnostic) => {
      isSound = false;
      report(diagnostic);
    },
    intrinsics: optimizerFunctions,
    steps,
  });
  const scope = evaluator.scope(file, { training: true });
  for (const field of declaration.settings)
    scope.define(field.name.text, settingOf(field, settings));
  const axes = at.p.shape.map((size, i): Axis => ({ role: scope.roles.intern(`axis ${i}`), size }));
  const inputs = [tensor(at.p, axes), tensor(at.g, axes), tensor(at.t, []), tensor(at.lr, [])];
  declaration.inputs.forEach((field, i) => inputs[i] && scope.define(field.name.text, inputs[i]));
  const slots = new Map<string, Slot>();
  for (const statement of declaration.body.statements) {
    if (
      "when" in statement &&
      statement.when &&
      !isTaken(evaluator.evaluate(statement.when, scope))
    )
      continue;
    if (statement.kind === "state") openSlot(statement, evaluator, scope, at, axes, slots);
    else if (statement.kind === "next")
      renewSlot(statement.name.text, statement.value, evaluator, scope, slots);
    else evaluator.statement(statement, scope);
  }
  const { result } = declaration.body;
  const next = evaluator.tensor(
    evaluator.evaluate(result, scope),
    scope,
    evaluator.at(result.span, scope),
  );
  if (!next || !isSound) return undefined;
  return {
    next: next.node,
    slots: [...slots].map(([name, { state, next: renewed, leaf }]) => ({
      name,
      state,
      next: renewed ?? leaf,
    })),
  };
}

function settingOf(field: Field, settings: ReadonlyMap<string, RecipeValue>): Value {
  const value = settings.get(field.name.text);
  return (value && dataflowValue(value, field.type)) ?? { kind: "poison" };
}

function isTaken(value: Value): boolean {
  if (value.kind === "bool") return value.value;
  return value.kind !== "none" && value.kind !== "poison";
}

interface Slot {
  readonly state: State;
  readonly leaf: Node;
  readonly axes: readonly Axis[];
  next?: Node;
}

const elementTypes: Readonly<Record<string, DType>> = {
  f16: "f16",
  bf16: "bf16",
  f32: "f32",
  real: "f32",
};

function openSlot(
  statement: StateStatement,
  evaluator: Evaluator,
  scope: Scope,
  at: Place,
  ownAxes: readonly Axis[],
  slots: Map<string, Slot>,
): void {
  const name = statement.name.text;
  const axes = statement.like ? axesLike(statement.like, evaluator, scope) : ownAxes;
  const initializer = initializerOf(statement.distribution, evaluator, scope);
  if (!axes || !initializer) return;
  const element = statement.type?.kind === "type-tensor" ? statement.type.element?.text : undefined;
  const state: State = {
    path: at.slotPath(name),
    shape: axes.map((axis) => axis.size),
    dtype: (element && elementTypes[element]) || "f32",
    initializer,
    origin: { path: at.slotPath(name), role: "optimizer" },
  };
  const stored = evaluator.builder.state(state);
  // Half-precision slots are only stored so: the arithmetic is in f32.
  const leaf = evaluator.builder.cast(stored, "f32");
  slots.set(name, { state, leaf, axes });
  scope.define(name, tensor(leaf, axes));
}

function axesLike(
  like: Expression,
  evaluator: Evaluator,
  scope: Scope,
): readonly Axis[] | undefined {
  return evaluator.tensor(evaluator.evaluate(like, scope), scope, evaluator.at(like.span, scope))
    ?.axes;
}

function initializerOf(
  distribution: Expression,
  evaluator: Evaluator,
  scope: Scope,
): Initializer | undefined {
  if (
    distribution.kind === "name" &&
    (distribution.name === "zeros" || distribution.name === "ones")
  ) {
    return { kind: distribution.name, settings: {} };
  }
  const value =
    distribution.kind === "call" &&
    distribution.callee.kind === "name" &&
    distribution.callee.name === "constant"
      ? distribution.arguments[0]
      : undefined;
  const number = value?.kind === "argument" ? evaluator.evaluate(value.value, scope) : undefined;
  if (number?.kind === "number") return { kind: "constant", settings: { value: number.value } };
  evaluator.fail(
    {
      severity: "error",
      code: "wrong-slot",
      message: "a slot of an optimizer starts as `zeros`, `ones` or `constant(…)`",
      span: evaluator.at(distribution.span, scope),
    },
    scope,
  );
  return undefined;
}

function renewSlot(
  name: string,
  expression: Expression,
  evaluator: Evaluator,
  scope: Scope,
  slots: Map<string, Slot>,
): void {
  const slot = slots.get(name);
  const at = evaluator.at(expression.span, scope);
  if (!slot) {
    evaluator.fail(
      {
        severity: "error",
        code: "wrong-slot",
        message: `\`next ${name}\` renews no \`state\``,
        span: at,
      },
      scope,
    );
    return;
  }
  const value = evaluator.tensor(evaluator.evaluate(expression, scope), scope, at);
  if (!value) return;
  if (value.node.shape.join() !== slot.state.shape.join()) {
    evaluator.fail(
      {
        severity: "error",
        code: "wrong-slot",
        message: `\`next ${name}\` has another shape than \`${name}\``,
        span: at,
      },
      scope,
    );
    return;
  }
  slot.next = evaluator.builder.cast(value.node, slot.state.dtype);
  scope.renew(name, tensor(value.node, slot.axes));
}
