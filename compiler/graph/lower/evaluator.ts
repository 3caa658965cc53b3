// The heart of the language: walks syntax with settings as values and tensors as graph nodes with named axes.
// One evaluator makes one graph (one `Builder`); several share `Instances`, so that training, evaluations and twins
// see the same parameters. Every mistake goes to `report` once and gives `poison`, about which all that follows is silent.
//
// From recipes (and `lowerModel`, which is the smallest example):
//
//   const instances = new Instances();
//   const evaluator = new Evaluator({ library, builder: new Builder(), instances, subject: "recipe digits", report });
//   const scope = evaluator.scope(library.files.get(name)!, { training: true });    // names, axes, place of use
//
//   // a tensor that comes from outside, with named axes; also binds `batch` as a number in the scope
//   scope.define("image", evaluator.input("image", [{ name: "batch", size: 64 }, …], "f32", scope, at));
//   // nets: the value of a `net` clause; nothing is made until it is applied
//   scope.define("model", evaluator.net("model", clause.value, scope));
//   scope.define("target", evaluator.twin("target", online));
//   // any expression, pipe or call; nets apply inside of it as `model(image)` or `image |> model`
//   scope.define("logits", evaluator.evaluate(clause.value, scope));
//   const loss = evaluator.tensor(evaluator.evaluate(lossClause.value, scope), scope, at);   // node + axes, or undefined
//
//   - a setting of a known type: `evaluator.evaluateAs(expression, type, scope)` (choices and axes by name, ranges)
//   - a net or block from code: `evaluator.apply(netOrCallable, [tensors], { scope, at, label? })`
//   - `param`, `state`, `draw`, `next`, `let`, `require` clauses: `evaluator.statement(statement, scope)`
//   - evaluation form: make the scope with `training: false` (and a second Evaluator with its own Builder and the
//     same `instances`); values hold nodes of one Builder, so evaluate the `let`s again there; NetValues may be reused
//   - freeze: fill `instances.frozen` with paths before anything is applied: untrained and in evaluation form
//   - after: `instances.parameters` / `.states` / `.modules` / `.follows` (twin state -> parameter) and
//     `evaluator.updates()` (new values of states, last application last)
//   - more functions (sample operations, protocols): option `intrinsics`, looked up before the standard library;
//     values that only recipes know: `OpaqueValue`
//   - scalars of the step: values of kind `host`; arithmetic, min, max, sqrt, cos … work on them as on numbers, and where
//     they meet a tensor, `steps` makes them scalar inputs of the graph
import type { Diagnostic, FileSpan } from "../../../grammar/diagnostic.ts";
import type { Braces, Expression, Span, Statement, Type } from "../../../grammar/syntax.ts";
import { keyOf, type FileScope, type Library } from "../../model/library.ts";
import { OpError } from "../../ops/op.ts";
import type { Builder } from "../builder.ts";
import type { Attributes, DType, Node, Origin, Update } from "../graph.ts";
import type { HostExpression } from "../lowered.ts";
import { applyCallable, type ApplyOptions } from "./apply.ts";
import { RoleTable, type Axis } from "./axis.ts";
import * as errors from "./errors.ts";
import { withPlaces } from "./errors/report.ts";
import { evaluateExpression } from "./expression.ts";
import type { Instances } from "./instances.ts";
import type { Intrinsic } from "./intrinsic.ts";
import { makeNet } from "./net.ts";
import { PathFrame } from "./path-frame.ts";
import { runBraces, runOperation } from "./pipe.ts";
import { newApplication, type Place } from "./place.ts";
import type { RunSteps } from "./run-steps.ts";
import { Scope } from "./scope.ts";
import { evaluateSetting } from "./settings.ts";
import { evaluateStatement } from "./statement.ts";
import { describeValue } from "./describe-value.ts";
import {
  poison,
  type CallableValue,
  type NetValue,
  type PoisonValue,
  type TensorValue,
  type Value,
} from "./value.ts";

export interface EvaluatorOptions {
  readonly library: Library;
  readonly builder: Builder;
  readonly instances: Instances;
  /** Said beside the carets: `ViT("B/16")`, `recipe digits`. */
  readonly subject: string;
  readonly report: (diagnostic: Diagnostic) => void;
  /** Functions that only this use knows, by name. */
  readonly intrinsics?: ReadonlyMap<string, Intrinsic>;
  /** Where a run has steps; without it nothing changes with them. */
  readonly steps?: RunSteps;
}

/** A call on the way to the present place, so that a mistake inside of the standard library shows at its use. */
export interface CallSite {
  readonly name: string;
  readonly at: FileSpan;
  readonly isStandard: boolean;
}

/** Applications and rounds of one graph; the largest published models take some thousand. */
const mostWork = 50_000;

export class Evaluator {
  readonly library: Library;
  readonly builder: Builder;
  readonly instances: Instances;
  readonly subject: string;
  readonly intrinsics: ReadonlyMap<string, Intrinsic>;
  readonly steps: RunSteps | undefined;
  readonly calls: CallSite[] = [];
  /** The present value of each state in this graph, and which of them a `next` made. */
  readonly states = new Map<string, Node>();
  private readonly renewed = new Map<string, Node>();
  private readonly draws = new Map<string, number>();
  private readonly reportTo: (diagnostic: Diagnostic) => void;
  /** Applications and rounds so far: a spec that would take for ever is refused. */
  private work = 0;
  /** Above 0 inside of `floor`, `ceil`, `round`, where whole numbers need not divide. */
  rounding = 0;

  constructor(options: EvaluatorOptions) {
    this.library = options.library;
    this.builder = options.builder;
    this.instances = options.instances;
    this.subject = options.subject;
    this.intrinsics = options.intrinsics ?? new Map();
    this.steps = options.steps;
    this.reportTo = options.report;
  }

  // ---- for recipes and whole models ----

  /** An outermost scope in a file; labels start at `path`. */
  scope(file: FileScope, options: { readonly training: boolean; readonly path?: string }): Scope {
    const place: Place = {
      frame: new PathFrame(options.path ?? "", "nothing"),
      training: options.training,
      application: newApplication(),
      ownership: { kind: "own" },
      rules: [],
      overrides: [],
      block: "",
      functions: "",
    };
    return new Scope(undefined, { file, roles: new RoleTable(), place });
  }

  /** A tensor handed in for each run. */
  input(
    name: string,
    axes: readonly { readonly name: string | undefined; readonly size: number }[],
    dtype: DType,
    scope: Scope,
    at: FileSpan,
  ): TensorValue {
    const node = this.builder.input(name, { shape: axes.map((axis) => axis.size), dtype });
    const named = axes.map((axis): Axis => {
      if (axis.name !== undefined) scope.bindSize(axis.name, axis.size);
      const role = axis.name === undefined ? undefined : scope.roles.intern(axis.name);
      return { role, size: axis.size, origin: { by: `\`${name}\``, at } };
    });
    return { kind: "tensor", node, axes: named };
  }

  /** What an expression is. A block with its settings is a callable, not yet an instance. */
  evaluate(expression: Expression, scope: Scope): Value {
    return evaluateExpression(this, expression, scope);
  }

  /** A setting of a declared type: checked, and read as that type asks (choices and axes by name). */
  evaluateAs(expression: Expression, type: Type, scope: Scope): Value {
    return evaluateSetting(this, expression, type, scope);
  }

  /** `let`, `param`, `state`, `draw`, `next`, `net`, `init`, `require`: defines its name in the scope. */
  statement(statement: Statement, scope: Scope): void {
    evaluateStatement(this, statement, scope);
  }

  /** The instance that `net name = expression` names. Poison where the expression is no block. */
  net(name: string, expression: Expression, scope: Scope): NetValue | PoisonValue {
    return makeNet(this, name, expression, scope);
  }

  /** The same net over its own states, which follow the parameters of `of`. */
  twin(path: string, of: NetValue): NetValue {
    return { ...of, path, ownership: { kind: "twin", twin: path, of: of.path } };
  }

  /** A value through a stage that is no repeat and no arrow. */
  stage(operation: Expression, value: Value, scope: Scope): Value {
    return runOperation(this, operation, value, scope, undefined);
  }

  /** A value through braces. */
  braces(braces: Braces, value: Value, scope: Scope): Value {
    return runBraces(this, braces, value, scope);
  }

  /** Applies a net, block, function or braces to tensors. */
  apply(callee: CallableValue | NetValue, inputs: readonly Value[], options: ApplyOptions): Value {
    return applyCallable(this, callee, inputs, options);
  }

  /** A tensor where one is needed; numbers become constants. Reports and gives undefined for anything else. */
  tensor(value: Value, scope: Scope, at: FileSpan): TensorValue | undefined {
    if (value.kind === "tensor") return value;
    if (value.kind === "number")
      return { kind: "tensor", node: this.builder.constant(value.value), axes: [] };
    if (value.kind === "host")
      return { kind: "tensor", node: this.scalarOfStep(value.expression), axes: [] };
    if (value.kind === "absent") this.fail(errors.absentInput(value.input, at), scope);
    else if (value.kind !== "poison")
      this.fail(errors.needsTensor(describeValue(value, scope.roles), at), scope);
    return undefined;
  }

  /** A number that changes with the step, as a scalar of the graph. */
  scalarOfStep(expression: HostExpression): Node {
    if (!this.steps) throw new Error("a number changes with the step, but there are no steps");
    return this.steps.scalar(this.builder, expression);
  }

  /** New values of states, in the order of their first change. */
  updates(): Update[] {
    return [...this.renewed].map(([path, value]) => ({ path, value }));
  }

  // ---- for the files of this folder ----

  /** Reports; `scope` says where in the model. */
  fail(diagnostic: Diagnostic, scope: Scope): PoisonValue {
    const outer = this.relocated(diagnostic);
    const path = scope.place.frame.path;
    const note = path === "" ? `in ${this.subject}` : `in ${this.subject} at \`${path}\``;
    if (!this.library.reported.has(keyOf(outer)))
      this.reportTo(this.placed({ ...outer, note: outer.note ?? note }));
    return poison;
  }

  /** Offsets inside of the text become lines and columns. */
  private placed(diagnostic: Diagnostic): Diagnostic {
    const text = (each: string) => withPlaces(each, diagnostic.span.file, this.library.sources);
    const { because } = diagnostic;
    if (because === undefined) return diagnostic;
    return {
      ...diagnostic,
      because: because.map((row) => (typeof row === "string" ? text(row) : row.map(text))),
    };
  }

  /** A mistake in the text of the standard library is one of its caller. */
  private relocated(diagnostic: Diagnostic): Diagnostic {
    const file = this.library.files.get(diagnostic.span.file);
    if (file === undefined || !file.isStandard) return diagnostic;
    const site = this.calls.findLast((call) => !call.isStandard);
    if (site === undefined) return diagnostic;
    const inner = this.calls[this.calls.indexOf(site)]!;
    return {
      ...diagnostic,
      span: site.at,
      because: [
        ...(diagnostic.because ?? []),
        `found inside \`${inner.name}\` of the standard library`,
      ],
    };
  }

  /** Makes a node. An op that refuses is reported at `at`. */
  emit(
    op: string,
    inputs: readonly Node[],
    attributes: Attributes,
    scope: Scope,
    at: FileSpan,
  ): Node | undefined {
    return this.guarded(scope, at, () => this.builder.add(op, inputs, attributes));
  }

  /** Runs builder calls with the origin of `at`; an OpError becomes a diagnostic. */
  guarded<T>(scope: Scope, at: FileSpan, make: () => T): T | undefined {
    try {
      return this.builder.under(this.origin(scope, at), make);
    } catch (error) {
      if (!(error instanceof OpError)) throw error;
      this.fail(errors.opRefused(error.reason, at), scope);
      return undefined;
    }
  }

  origin(scope: Scope, at: FileSpan): Origin {
    return { path: scope.place.frame.path, file: at.file, span: { start: at.start, end: at.end } };
  }

  at(span: Span, scope: Scope): FileSpan {
    return { file: scope.file.name, start: span.start, end: span.end };
  }

  /** Counts one application or round. False, and reported once, when there have been too many. */
  mayGoOn(scope: Scope, at: FileSpan): boolean {
    this.work++;
    if (this.work === mostWork) this.fail(errors.tooMuchWork(mostWork, at), scope);
    return this.work < mostWork;
  }

  renewState(path: string, node: Node): void {
    this.states.set(path, node);
    this.renewed.set(path, node);
  }

  /** A name for a stream of chance that no other draw of this graph has: place and number of the application. */
  streamName(place: Place, draw: string): string {
    const key = [place.frame.path, place.functions, draw].filter((part) => part !== "").join("/");
    const count = this.draws.get(key) ?? 0;
    this.draws.set(key, count + 1);
    return `${key}#${count}`;
  }
}
