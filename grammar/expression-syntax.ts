// The smaller half of the syntax tree: types, shapes, pipes and expressions. See `syntax.ts`.

/** Offsets into the text of the file, in UTF-16 units as JavaScript counts them; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A word that names something, with its place. A missing name has the text "" (already reported). */
export interface Identifier {
  readonly text: string;
  readonly span: Span;
}

/** `online.backbone.layers.0`: a dotted path of names and indices. */
export interface Path {
  readonly segments: readonly Identifier[];
  readonly span: Span;
}

/** What a `let`, a `repeat … as`, a `for` or a sweep binds: one name, or a tuple of names. */
export interface Binding {
  readonly isTuple: boolean;
  readonly names: readonly Identifier[];
  readonly span: Span;
}

/** `let (a, b) = value`, in a body, braces or a recipe. */
export interface LetStatement {
  readonly kind: "let";
  readonly binding: Binding;
  readonly value: Expression;
  readonly span: Span;
}

// ---------------------------------------------------------------------------------------------- types

export type Type =
  NamedType | ListType | TensorType | TupleType | RecordType | ChoiceType | OptionalType;

/** `int`, `real`, `prob`, `block`, `image`, …; a missing type has the name "". */
export interface NamedType {
  readonly kind: "type-name";
  readonly name: string;
  readonly span: Span;
}

/** `list[int]`. */
export interface ListType {
  readonly kind: "type-list";
  readonly element: Type;
  readonly span: Span;
}

/** `[batch, tokens]` or `int[batch, tokens]`. */
export interface TensorType {
  readonly kind: "type-tensor";
  readonly element: Identifier | undefined;
  readonly shape: Shape;
  readonly span: Span;
}

export interface TupleType {
  readonly kind: "type-tuple";
  readonly elements: readonly Type[];
  readonly span: Span;
}

/** `{ image: [batch, embed], text: [batch, embed] }`. */
export interface RecordType {
  readonly kind: "type-record";
  readonly fields: readonly RecordTypeField[];
  readonly span: Span;
}

export interface RecordTypeField {
  readonly name: Identifier;
  readonly type: Type;
  readonly span: Span;
}

/** `token | mean` or `"a" | "b"`: at least two words. */
export interface ChoiceType {
  readonly kind: "type-choice";
  readonly options: readonly Identifier[];
  readonly areQuoted: boolean;
  readonly span: Span;
}

/** `int?`. */
export interface OptionalType {
  readonly kind: "type-optional";
  readonly of: Type;
  readonly span: Span;
}

// ---------------------------------------------------------------------------------------------- shapes

export interface Shape {
  readonly kind: "shape";
  readonly axes: readonly Axis[];
  readonly span: Span;
}

export type Axis = RestAxis | NamedAxis | SizeAxis | RenamedAxis | GroupAxis;

/** `..`: any further axes. */
export interface RestAxis {
  readonly kind: "axis-rest";
  readonly span: Span;
}

/** `tokens`, `rows = size`, `rows = _` (then the size is a `wildcard`). */
export interface NamedAxis {
  readonly kind: "axis-name";
  readonly name: Identifier;
  readonly size: Expression | undefined;
  readonly span: Span;
}

/** A bare size: `3 * width`. A lone name is a NamedAxis. */
export interface SizeAxis {
  readonly kind: "axis-size";
  readonly size: Expression;
  readonly span: Span;
}

/** `r as rows`. */
export interface RenamedAxis {
  readonly kind: "axis-renamed";
  readonly from: Identifier;
  readonly to: Identifier;
  readonly span: Span;
}

/** `(heads c)`, `(r dy = 2)`, `(rows cols) as tokens`. */
export interface GroupAxis {
  readonly kind: "axis-group";
  readonly factors: readonly AxisFactor[];
  readonly as: Identifier | undefined;
  readonly span: Span;
}

/** `heads`, `dy = 2` or a plain `3` (then only the size is there). */
export interface AxisFactor {
  readonly name: Identifier | undefined;
  readonly size: Expression | undefined;
  readonly span: Span;
}

// ---------------------------------------------------------------------------------------------- pipes

/**
 * `head |> stage |> stage`. A single expression without label, `when` and `|>` is not wrapped in a pipe;
 * `layers: repeat …` or `f when c` alone is a pipe without further stages.
 * Inside braces, `repeat` and `match` arms in a pipe, the head too is a stage that the incoming value goes through.
 */
export interface Pipe {
  readonly kind: "pipe";
  readonly head: Stage;
  readonly stages: readonly Stage[];
  readonly span: Span;
}

export interface Stage {
  readonly kind: "stage";
  readonly label: Identifier | undefined;
  readonly operation: StageOperation;
  readonly when: Expression | undefined;
  readonly span: Span;
}

/** A shape alone, as a stage, states what passes; as the head of a pipe it is a `shape` or `list` expression. */
export type StageOperation = Expression | Repeat | Arrow;

/** `repeat depth as i { … }`. */
export interface Repeat {
  readonly kind: "repeat";
  readonly over: Expression;
  readonly binding: Binding | undefined;
  readonly body: Braces;
  readonly span: Span;
}

/** `[batch, (3 heads c)] -> 3 * [batch, heads, c]`. */
export interface Arrow {
  readonly kind: "arrow";
  readonly from: Shape;
  readonly count: NumberExpression | undefined;
  readonly to: Shape;
  readonly span: Span;
}

/** `{ let a = 1  norm: LayerNorm |> attn: Attention(heads) }`. */
export interface Braces {
  readonly kind: "braces";
  readonly lets: readonly LetStatement[];
  readonly result: Expression;
  readonly span: Span;
}

// ---------------------------------------------------------------------------------------------- expressions

export type Expression =
  | NumberExpression
  | QuantityExpression
  | StringExpression
  | NameExpression
  | NextExpression
  | WildcardExpression
  | MissingExpression
  | TupleExpression
  | ListExpression
  | ComprehensionExpression
  | RecordExpression
  | Shape
  | Braces
  | BracedExpression
  | CallExpression
  | MemberExpression
  | IndexExpression
  | UnaryExpression
  | BinaryExpression
  | RangeExpression
  | CourseExpression
  | IfExpression
  | MatchExpression
  | Pipe;

/** `12.8G` has the value 12.8e9, `8%` the value 0.08. */
export interface NumberExpression {
  readonly kind: "number";
  readonly value: number;
  /** As written: `10_000`, `12.8G`, `8%`. */
  readonly text: string;
  readonly isPercent: boolean;
  /** Written without fraction, exponent and percent: `3`, `10_000`, `30M`. */
  readonly isWhole: boolean;
  readonly span: Span;
}

export const units = ["epochs", "steps", "samples"] as const;
export type Unit = (typeof units)[number];

/** `300 epochs`. */
export interface QuantityExpression {
  readonly kind: "quantity";
  readonly amount: NumberExpression;
  readonly unit: Unit;
  readonly span: Span;
}

export interface StringExpression {
  readonly kind: "string";
  /** Escapes resolved; holes such as `{size}` are left as they are. */
  readonly value: string;
  /** As written, quotes included. */
  readonly text: string;
  readonly span: Span;
}

/** A name; `true`, `false`, `none`, `training` are names too. */
export interface NameExpression {
  readonly kind: "name";
  readonly name: string;
  readonly span: Span;
}

/** `next m` as a value. */
export interface NextExpression {
  readonly kind: "next-value";
  readonly name: Identifier;
  readonly span: Span;
}

/** `_`, only as the size of an axis. */
export interface WildcardExpression {
  readonly kind: "wildcard";
  readonly span: Span;
}

/** Something is missing or broken here and has been reported. */
export interface MissingExpression {
  readonly kind: "missing";
  readonly span: Span;
}

/** `(rows, cols)`, `()`; never of one element: `(a)` is `a`. */
export interface TupleExpression {
  readonly kind: "tuple";
  readonly elements: readonly Expression[];
  readonly span: Span;
}

/**
 * `[3, 4, 6, 3]`. Brackets that hold only names or sizes may be meant as a shape (`indices([rows])`): where a shape
 * is expected, read them with `shapeOfList`. Brackets with anything that only a shape has are a `shape`.
 */
export interface ListExpression {
  readonly kind: "list";
  readonly elements: readonly Expression[];
  readonly span: Span;
}

/** `[w0 + wa * j for j in depth]`. */
export interface ComprehensionExpression {
  readonly kind: "comprehension";
  readonly element: Expression;
  readonly binding: Binding;
  readonly over: Expression;
  readonly span: Span;
}

/** `{ image = u, head.bias = v }`. */
export interface RecordExpression {
  readonly kind: "record";
  readonly fields: readonly RecordField[];
  readonly span: Span;
}

export interface RecordField {
  readonly path: Path;
  readonly value: Expression;
  readonly span: Span;
}

/** `residual { … }`, `residual_on(0.1) { … }`: the braces are the last setting of the target (a name or a call). */
export interface BracedExpression {
  readonly kind: "braced";
  readonly target: Expression;
  readonly braces: Braces;
  readonly span: Span;
}

/** `Attention(heads, proj.weight ~ zeros)`; two lists are a call of a call: `Merge()(a, b)`. */
export interface CallExpression {
  readonly kind: "call";
  readonly callee: Expression;
  readonly arguments: readonly Argument[];
  readonly span: Span;
}

export type Argument = ValueArgument | InitializerArgument;

/** `heads`, `bias = false`. */
export interface ValueArgument {
  readonly kind: "argument";
  readonly name: Identifier | undefined;
  readonly value: Expression;
  readonly span: Span;
}

/** `weight ~ zeros`, `proj.weight ~ normal(std = s)`. */
export interface InitializerArgument {
  readonly kind: "initializer";
  readonly path: Path;
  readonly distribution: Expression;
  readonly span: Span;
}

/** `grid.0`, `online.encoder`. */
export interface MemberExpression {
  readonly kind: "member";
  readonly target: Expression;
  readonly member: Identifier;
  readonly span: Span;
}

/** `depths[s]`, `x[tokens = 1..]`, `k[tokens as keys]`. */
export interface IndexExpression {
  readonly kind: "index";
  readonly target: Expression;
  readonly indices: readonly Index[];
  readonly span: Span;
}

export type Index = PositionIndex | SliceIndex | RenameIndex;

export interface PositionIndex {
  readonly kind: "index-position";
  readonly value: Expression;
  readonly span: Span;
}

export interface SliceIndex {
  readonly kind: "index-slice";
  readonly axis: Identifier;
  readonly range: Expression;
  readonly span: Span;
}

export interface RenameIndex {
  readonly kind: "index-rename";
  readonly from: Identifier;
  readonly to: Identifier;
  readonly span: Span;
}

export interface UnaryExpression {
  readonly kind: "unary";
  readonly operator: "-" | "not";
  readonly operand: Expression;
  readonly span: Span;
}

export type BinaryOperator =
  | "+" | "-" | "*" | "/" | "%" | "^"
  | "==" | "!=" | "<" | "<=" | ">" | ">=" | "in"
  | "and" | "or"; // prettier-ignore

export interface BinaryExpression {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  /** Of the operator alone. */
  readonly operatorSpan: Span;
  readonly span: Span;
}

/** `0..1`, `1..`, `..n`. */
export interface RangeExpression {
  readonly kind: "range";
  readonly from: Expression | undefined;
  readonly to: Expression | undefined;
  readonly span: Span;
}

/** `0 to drop`. */
export interface CourseExpression {
  readonly kind: "course";
  readonly from: Expression;
  readonly to: Expression;
  readonly span: Span;
}

export interface IfExpression {
  readonly kind: "if";
  readonly condition: Expression;
  readonly then: Expression;
  readonly else: Expression;
  readonly span: Span;
}

/** `match pool { token => take(tokens, 0), else => same }`. */
export interface MatchExpression {
  readonly kind: "match";
  readonly subject: Expression;
  readonly arms: readonly MatchArm[];
  readonly span: Span;
}

export interface MatchArm {
  /** Absent for `else`. */
  readonly pattern: Expression | undefined;
  readonly value: Expression;
  readonly span: Span;
}

// ---------------------------------------------------------------------------------------------- readings

/** Reads brackets as a shape: `[rows]`, `[batch, 3]`. Any element but a name is a bare size. */
export function shapeOfList(list: ListExpression): Shape {
  const axes = list.elements.map((element): Axis =>
    element.kind === "name"
      ? {
          kind: "axis-name",
          name: { text: element.name, span: element.span },
          size: undefined,
          span: element.span,
        }
      : { kind: "axis-size", size: element, span: element.span },
  );
  return { kind: "shape", axes, span: list.span };
}

/** `a.b.0` as text. */
export function pathText(path: Path): string {
  return path.segments.map((segment) => segment.text).join(".");
}
