// The syntax tree of a `.vit` file: what the parser gives, the formatter prints and the evaluator reads.
// Plain data. Every node carries the span of its text; nothing here knows of tensors or of what a name means.
// Always true: a tree exists even for broken text. Where text is missing, a `missing` expression stands in, and the
// parser has already reported it, so a reader stays silent about it.
import type {
  Argument,
  Binding,
  Expression,
  Identifier,
  LetStatement,
  NumberExpression,
  Path,
  RecordExpression,
  Shape,
  Span,
  StringExpression,
  Type,
} from "./expression-syntax.ts";

export * from "./expression-syntax.ts";

/** `// …` or `/// …`. */
export interface Comment {
  /** As written, slashes included, without trailing blanks. */
  readonly text: string;
  readonly isDocumentation: boolean;
  readonly span: Span;
}

export interface SyntaxFile {
  readonly kind: "file";
  readonly name: string;
  readonly text: string;
  /** The `///` lines at the head of the file, where they stand apart from the first declaration or before a `use`. */
  readonly documentation: string | undefined;
  readonly declarations: readonly Declaration[];
  /** All comments, documentation included, in source order. */
  readonly comments: readonly Comment[];
  readonly span: Span;
}

// ---------------------------------------------------------------------------------------------- declarations

export type Declaration =
  | UseDeclaration
  | BlockDeclaration
  | FunctionDeclaration
  | OptimizerDeclaration
  | VariantsDeclaration
  | ExpectDeclaration
  | RecipeDeclaration
  | SweepDeclaration
  | NamesDeclaration
  | ConstantDeclaration;

interface Documented {
  /** The `///` lines directly above, without slashes, joined by line ends. */
  readonly documentation: string | undefined;
  readonly span: Span;
}

/** `use vit.{ViT, EncoderLayer}` or `use "./path".{ViT}`. */
export interface UseDeclaration extends Documented {
  readonly kind: "use";
  /** The file as written: `vit` and `specs.vit` for names, the text inside the quotes for a string. */
  readonly source: Identifier;
  readonly isQuoted: boolean;
  readonly names: readonly Identifier[];
}

/** `block` and `model`. With a single list of fields, that list holds the inputs. */
export interface BlockDeclaration extends Documented {
  readonly kind: "block" | "model";
  readonly name: Identifier;
  readonly settings: readonly Field[];
  readonly inputs: readonly Field[];
  readonly result: Type;
  readonly body: Body;
}

/** A function has one list: tensors first, then settings. */
export interface FunctionDeclaration extends Documented {
  readonly kind: "function";
  readonly name: Identifier;
  readonly fields: readonly Field[];
  readonly result: Type;
  readonly body: Body;
}

/** `optimizer AdamW(settings)(p, g, t, lr) { … }`; the inputs have no types. */
export interface OptimizerDeclaration extends Documented {
  readonly kind: "optimizer";
  readonly name: Identifier;
  readonly settings: readonly Field[];
  readonly inputs: readonly Field[];
  readonly body: Body;
}

/** `variants ViT (width, depth) { "Ti/16" (192, 12) }`, of a model or a recipe. */
export interface VariantsDeclaration extends Documented {
  readonly kind: "variants";
  readonly of: Identifier;
  readonly columns: readonly Identifier[];
  readonly rows: readonly VariantRow[];
}

export interface VariantRow {
  readonly name: StringExpression;
  readonly values: readonly Argument[];
  readonly span: Span;
}

/** `expect ViT("B/16") { parameters = 86_567_656 }`; in a recipe a claim without braces. */
export interface ExpectDeclaration extends Documented {
  readonly kind: "expect";
  readonly claim: Expression;
  readonly figures: RecordExpression | undefined;
}

export interface RecipeDeclaration extends Documented {
  readonly kind: "recipe";
  readonly name: Identifier;
  readonly settings: readonly Field[];
  /** `from parent` or `from parent(length = 100 epochs)`: a name or a call of one. */
  readonly parent: Expression | undefined;
  readonly clauses: readonly Clause[];
}

/** `sweep grid of augreg { lr in [1e-3, 3e-4], (size, length) in [...] }`. */
export interface SweepDeclaration extends Documented {
  readonly kind: "sweep";
  readonly name: Identifier;
  readonly of: Identifier;
  readonly axes: readonly SweepAxis[];
}

export interface SweepAxis {
  readonly binding: Binding;
  readonly values: Expression;
  readonly span: Span;
}

/**
 * What a format of others calls the parameters, states and parts of a block: `names timm of ViT { … }`. Without `of`
 * it declares the format: `names timm from torch` (what it does not say is as in `torch`), `names flax by "/"`.
 */
export interface NamesDeclaration extends Documented {
  readonly kind: "names";
  readonly format: Identifier;
  readonly of: Identifier | undefined;
  readonly from: Identifier | undefined;
  readonly separator: StringExpression | undefined;
  readonly lines: readonly NameLine[];
}

/** `"qkv.weight" = ("q", "k", "v") 3 * [out, in] -> [in, (3 out)] when split`; ours to the left. */
export interface NameLine {
  readonly ours: NameSide;
  readonly theirs: NameSide;
  readonly layout: NameLayout | undefined;
  /** `~ zeros`: what theirs holds where ours has nothing. */
  readonly filling: Expression | undefined;
  readonly when: Expression | undefined;
  readonly span: Span;
}

/** `"weight"`, `("q", "k", "v")`, or `none`: no names. */
export interface NameSide {
  readonly names: readonly StringExpression[];
  readonly span: Span;
}

/** `[tokens = 1..] [1, tokens, width] -> [tokens, width]`: a slice of theirs, their axes, ours. */
export interface NameLayout {
  /** `int` of `int[]`. */
  readonly element: Identifier | undefined;
  readonly slice: Shape | undefined;
  readonly from: CopiedShape;
  readonly to: CopiedShape | undefined;
  readonly span: Span;
}

/** `3 * [out, in]`. */
export interface CopiedShape {
  readonly count: NumberExpression | undefined;
  readonly shape: Shape;
}

/** A `let` of the file. */
export interface ConstantDeclaration extends Documented {
  readonly kind: "let";
  readonly binding: Binding;
  readonly value: Expression;
}

/** A setting or an input: `heads: int = 4`. */
export interface Field {
  readonly name: Identifier;
  readonly type: Type | undefined;
  readonly default: Expression | undefined;
  readonly span: Span;
}

// ---------------------------------------------------------------------------------------------- bodies

/** `{ statements result }`. A body without a result has `missing` there. */
export interface Body {
  readonly statements: readonly Statement[];
  readonly result: Expression;
  readonly span: Span;
}

export type Statement =
  | LetStatement
  | NetStatement
  | ParamStatement
  | StateStatement
  | DrawStatement
  | NextStatement
  | InitStatement
  | RequireStatement;

export interface NetStatement {
  readonly kind: "net";
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}

/** `param name shape ~ distribution when condition`. */
export interface ParamStatement {
  readonly kind: "param";
  readonly name: Identifier;
  readonly shape: Shape;
  readonly distribution: Expression;
  readonly when: Expression | undefined;
  readonly span: Span;
}

/** `state m bf16[..] like value ~ zeros when condition`; type and `like` may both be absent. */
export interface StateStatement {
  readonly kind: "state";
  readonly name: Identifier;
  readonly type: Type | undefined;
  readonly like: Expression | undefined;
  readonly distribution: Expression;
  readonly when: Expression | undefined;
  readonly span: Span;
}

export type DrawStatement = TensorDraw | SettingDraw;

/** `draw kept [batch] ~ bernoulli(1 - p)`: a random tensor. Without a shape: one number for the whole batch. */
export interface TensorDraw {
  readonly kind: "draw";
  readonly name: Identifier;
  readonly shape: Shape | undefined;
  readonly distribution: Expression;
  readonly when: Expression | undefined;
  readonly span: Span;
}

/** `draw patch from [8, 16, 32]`: a setting, drawn at each step. */
export interface SettingDraw {
  readonly kind: "draw-setting";
  readonly name: Identifier;
  readonly from: Expression;
  readonly span: Span;
}

/** `next running_mean = value when condition`. */
export interface NextStatement {
  readonly kind: "next";
  readonly name: Identifier;
  readonly value: Expression;
  readonly when: Expression | undefined;
  readonly span: Span;
}

/** `init Linear.weight ~ truncated(std = 0.02)`. */
export interface InitStatement {
  readonly kind: "init";
  readonly path: Path;
  readonly distribution: Expression;
  readonly when: Expression | undefined;
  readonly span: Span;
}

/** `require condition "message with {holes}"`. */
export interface RequireStatement {
  readonly kind: "require";
  readonly condition: Expression;
  readonly message: StringExpression;
  readonly span: Span;
}

// ---------------------------------------------------------------------------------------------- recipes

export type Clause =
  | LetStatement
  | ParamStatement
  | StateStatement
  | DrawStatement
  | NextStatement
  | InitStatement
  | RequireStatement
  | NamedClause
  | LossClause
  | LoadClause
  | FreezeClause
  | RecomputeClause
  | ClampClause
  | ExceptClause
  | EvaluateClause
  | ExpectClause
  | AssignClause;

/** `net model = …`, `twin target = …`, `data train = …`, `view image = …`, `metric top1 = …`. */
export interface NamedClause {
  readonly kind: "net" | "twin" | "data" | "view" | "metric";
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}

/** `loss = …` or `loss watched = …`. */
export interface LossClause {
  readonly kind: "loss";
  readonly name: Identifier | undefined;
  readonly value: Expression;
  readonly span: Span;
}

/** `load image from "vit_b32.safetensors" as timm { head = fresh }`. */
export interface LoadClause {
  readonly kind: "load";
  readonly path: Path;
  /** `from none`: what the recipe's parent loads there is not loaded. */
  readonly from: StringExpression | undefined;
  readonly as: Identifier | undefined;
  readonly changes: RecordExpression | undefined;
  readonly span: Span;
}

export interface FreezeClause {
  readonly kind: "freeze";
  readonly paths: readonly Path[];
  readonly span: Span;
}

/** `recompute layers`, `recompute to 2 GB`, `recompute none`. */
export interface RecomputeClause {
  readonly kind: "recompute";
  readonly what:
    | { readonly kind: "word"; readonly word: Identifier }
    | { readonly kind: "size"; readonly amount: NumberExpression; readonly unit: Identifier };
  readonly span: Span;
}

/** `clamp log_scale to 0 .. ln(100)`. */
export interface ClampClause {
  readonly kind: "clamp";
  readonly path: Path;
  readonly range: Expression;
  readonly span: Span;
}

/** `except path in model.layers as i { lr = lr * 0.75 ^ (12 - i) }`. */
export interface ExceptClause {
  readonly kind: "except";
  readonly condition: Expression;
  readonly index: Identifier | undefined;
  readonly settings: RecordExpression;
  readonly span: Span;
}

/** `evaluate top1 = top1(…) every 1 epochs`. */
export interface EvaluateClause {
  readonly kind: "evaluate";
  readonly name: Identifier;
  readonly value: Expression;
  readonly every: Expression;
  readonly span: Span;
}

export interface ExpectClause {
  readonly kind: "expect";
  readonly claim: Expression;
  readonly figures: RecordExpression | undefined;
  readonly span: Span;
}

/** `batch = 64`: a field of the recipe. */
export interface AssignClause {
  readonly kind: "assign";
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}
