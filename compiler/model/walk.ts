// All expressions inside of a syntax node, for checks that look at every branch, taken or not.
import type {
  Argument,
  AxisFactor,
  Axis,
  Expression,
  Field,
  Shape,
  Stage,
  StageOperation,
  Statement,
} from "../../grammar/syntax.ts";

/** The parts of an expression, one level down. */
export function childrenOf(
  expression: Expression | StageOperation,
): readonly (Expression | StageOperation)[] {
  switch (expression.kind) {
    case "tuple":
    case "list":
      return expression.elements;
    case "comprehension":
      return [expression.over, expression.element];
    case "record":
      return expression.fields.map((field) => field.value);
    case "shape":
      return sizesIn(expression);
    case "braces":
      return [...expression.lets.map((each) => each.value), expression.result];
    case "braced":
      return [expression.target, expression.braces];
    case "call":
      return [expression.callee, ...expression.arguments.map(valueOf)];
    case "member":
      return [expression.target];
    case "index":
      return [expression.target, ...expression.indices.flatMap((each) => (each.kind === "index-position" ? [each.value] : each.kind === "index-slice" ? [each.range] : []))]; // prettier-ignore
    case "unary":
      return [expression.operand];
    case "binary":
      return [expression.left, expression.right];
    case "range":
      return [expression.from, expression.to].filter((each) => each !== undefined);
    case "course":
      return [expression.from, expression.to];
    case "if":
      return [expression.condition, expression.then, expression.else];
    case "match":
      return [expression.subject, ...expression.arms.map((arm) => arm.value)];
    case "pipe":
      return [expression.head, ...expression.stages].flatMap(partsOfStage);
    case "repeat":
      return [expression.over, expression.body];
    case "arrow":
      return [...sizesIn(expression.from), ...sizesIn(expression.to)];
    default:
      return [];
  }
}

function valueOf(argument: Argument): Expression {
  return argument.kind === "argument" ? argument.value : argument.distribution;
}

export function partsOfStage(stage: Stage): readonly (Expression | StageOperation)[] {
  return stage.when === undefined ? [stage.operation] : [stage.when, stage.operation];
}

/** Sizes written in a shape. */
export function sizesIn(shape: Shape): Expression[] {
  return shape.axes.flatMap((axis) => {
    if (axis.kind === "axis-name") return axis.size ? [axis.size] : [];
    if (axis.kind === "axis-size") return [axis.size];
    return axis.kind === "axis-group"
      ? axis.factors.flatMap((factor) => (factor.size ? [factor.size] : []))
      : [];
  });
}

/** Names of axes that a shape mentions. */
export function axisNamesIn(shape: Shape): string[] {
  return shape.axes.flatMap(namesOfAxis);
}

function namesOfAxis(axis: Axis): string[] {
  switch (axis.kind) {
    case "axis-name":
      return [axis.name.text];
    case "axis-renamed":
      return [axis.from.text, axis.to.text];
    case "axis-group":
      return [...axis.factors.flatMap(namesOfFactor), ...(axis.as ? [axis.as.text] : [])];
    default:
      return [];
  }
}

function namesOfFactor(factor: AxisFactor): string[] {
  return factor.name ? [factor.name.text] : [];
}

/** Expressions of a statement, its distribution apart. */
export function expressionsOf(statement: Statement): readonly Expression[] {
  const when = "when" in statement && statement.when !== undefined ? [statement.when] : [];
  switch (statement.kind) {
    case "let":
    case "net":
    case "next":
      return [...when, statement.value];
    case "param":
      return [...when, ...sizesIn(statement.shape)];
    case "state":
      return [...when, ...(statement.like ? [statement.like] : []), ...(statement.type?.kind === "type-tensor" ? sizesIn(statement.type.shape) : [])]; // prettier-ignore
    case "draw":
      return [...when, ...(statement.shape ? sizesIn(statement.shape) : [])];
    case "draw-setting":
      return [statement.from];
    case "init":
      return when;
    case "require":
      return [statement.condition];
  }
}

/** Sizes and defaults of a field. */
export function expressionsOfField(field: Field): readonly Expression[] {
  const type = field.type?.kind === "type-optional" ? field.type.of : field.type;
  const sizes = type?.kind === "type-tensor" ? sizesIn(type.shape) : [];
  return field.default === undefined ? sizes : [...sizes, field.default];
}
