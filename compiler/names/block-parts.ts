// A block's text -> what can stand at its path: parameters, states, labels and unlabelled blocks, in every branch.
// A map is about the block whatever its settings, so what is not taken in one model still counts.
import type { Expression, Stage, StageOperation, Statement } from "../../grammar/syntax.ts";
import { findName, type Found, type Library } from "../model/library.ts";
import { snakeCase } from "../model/snake-case.ts";
import { childrenOf, expressionsOf } from "../model/walk.ts";

export interface BlockParts {
  readonly names: ReadonlySet<string>;
  /** The block that a name stands for, where the text says which. */
  readonly blocks: ReadonlyMap<string, Found>;
}

export function blockParts(library: Library, block: Found): BlockParts {
  const search = new Search(library, block);
  search.run();
  return search;
}

class Search implements BlockParts {
  readonly names = new Set<string>();
  readonly blocks = new Map<string, Found>();
  private readonly library: Library;
  private readonly block: Found;
  private readonly settings = new Set<string>();

  constructor(library: Library, block: Found) {
    this.library = library;
    this.block = block;
  }

  run(): void {
    const { declaration } = this.block;
    if (declaration.kind !== "block" && declaration.kind !== "model") return;
    for (const { name } of declaration.settings) this.settings.add(name.text);
    for (const statement of declaration.body.statements) this.statement(statement);
    this.expression(declaration.body.result);
    if (declaration.kind === "model") this.appliedModel(declaration.body.result);
  }

  private statement(statement: Statement): void {
    if (["param", "state", "net"].includes(statement.kind) && "name" in statement)
      this.names.add(statement.name.text);
    for (const expression of expressionsOf(statement)) this.expression(expression);
  }

  private expression(expression: Expression | StageOperation): void {
    if (expression.kind === "pipe") {
      for (const stage of [expression.head, ...expression.stages]) this.stage(stage);
      return;
    }
    this.unlabelled(expression);
    for (const child of childrenOf(expression)) this.expression(child);
  }

  /** What lies below a label has longer paths. */
  private stage({ label, operation }: Stage): void {
    if (label === undefined) {
      if (operation.kind === "name" && this.settings.has(operation.name))
        this.names.add(snakeCase(operation.name));
      this.expression(operation);
      return;
    }
    this.names.add(label.text);
    const block = this.blockOf(operation);
    if (block !== undefined) this.blocks.set(label.text, block);
  }

  /** `Linear(3)`, a setting or a `let` that is a block: its name in snake case. */
  private unlabelled(expression: Expression | StageOperation): void {
    const name = expression.kind === "call" ? calleeOf(expression) : undefined;
    if (name === undefined) return;
    const found = this.settings.has(name)
      ? undefined
      : findName(this.library, this.block.file, name);
    if (found?.declaration.kind === "function") return;
    this.names.add(snakeCase(name));
    const block = this.blockOf(expression);
    if (block !== undefined) this.blocks.set(snakeCase(name), block);
  }

  private blockOf(operation: Expression | StageOperation): Found | undefined {
    const name = calleeOf(operation);
    if (name === undefined || this.settings.has(name)) return undefined;
    const found = findName(this.library, this.block.file, name);
    const kind = found?.declaration.kind;
    return kind === "block" || kind === "model" ? found : undefined;
  }

  /** A model that applies another one, and nothing else, has that one's parts. */
  private appliedModel(result: Expression): void {
    const applied =
      result.kind === "pipe" && result.stages.length === 1 ? result.stages[0]!.operation : result;
    const block = this.blockOf(applied);
    if (block?.declaration.kind !== "model" || block.declaration === this.block.declaration) return;
    const inner = blockParts(this.library, block);
    for (const name of inner.names) this.names.add(name);
    for (const [name, found] of inner.blocks) this.blocks.set(name, found);
  }
}

/** `Linear`, `Linear(3)`, `Linear(3)(x)`. */
function calleeOf(expression: Expression | StageOperation): string | undefined {
  if (expression.kind === "name") return expression.name;
  return expression.kind === "call" ? calleeOf(expression.callee) : undefined;
}
