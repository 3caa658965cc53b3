// Blocks, functions and constants that reach themselves through the names they use: nothing would end.
// Found on the text, so that the evaluator need not fear them.
import type { Diagnostic } from "../../grammar/diagnostic.ts";
import type { Expression, Statement, StageOperation, Type } from "../../grammar/syntax.ts";
import { definitionCycle } from "./errors.ts";
import { findName, type Found, type Library, type NamedDeclaration } from "./library.ts";
import { childrenOf, expressionsOf, expressionsOfField } from "./walk.ts";

/** A library before its cycles are known. */
type Names = Omit<Library, "cycles" | "nameFiles">;

/** One diagnostic for each cycle, at the declaration that was met first. */
export function findCycles(library: Names): Diagnostic[] {
  const search = new Search(library);
  for (const file of library.files.values()) {
    for (const declaration of file.declarations.values()) search.visit({ declaration, file }, []);
  }
  return search.found;
}

class Search {
  readonly found: Diagnostic[] = [];
  private readonly library: Names;
  private readonly finished = new Set<NamedDeclaration>();

  constructor(library: Names) {
    this.library = library;
  }

  visit(at: Found, path: readonly Found[]): void {
    const start = path.findIndex((each) => each.declaration === at.declaration);
    if (start !== -1) {
      this.report([...path.slice(start), at]);
      return;
    }
    if (this.finished.has(at.declaration)) return;
    for (const name of namesUsed(at.declaration)) {
      const next = findName(this.library, at.file, name);
      if (next !== undefined && isWalked(next.declaration)) this.visit(next, [...path, at]);
    }
    this.finished.add(at.declaration);
  }

  private report(cycle: readonly Found[]): void {
    const [first] = cycle;
    const { span } = nameOf(first!.declaration);
    const names = cycle.map((each) => nameOf(each.declaration).text);
    this.found.push(
      definitionCycle(names, { file: first!.file.name, start: span.start, end: span.end }),
    );
  }
}

function isWalked(declaration: NamedDeclaration): boolean {
  return ["block", "model", "function", "let"].includes(declaration.kind);
}

function nameOf(declaration: NamedDeclaration) {
  return declaration.kind === "let" ? declaration.binding.names[0]! : declaration.name;
}

/** Names of the file that a declaration uses; settings that hold blocks or functions hide those of their name. */
function namesUsed(declaration: NamedDeclaration): Set<string> {
  const used = new Set<string>();
  if (declaration.kind === "let") collect(declaration.value, new Set(), used);
  if (
    declaration.kind !== "block" &&
    declaration.kind !== "model" &&
    declaration.kind !== "function"
  )
    return used;
  const fields =
    declaration.kind === "function"
      ? declaration.fields
      : [...declaration.settings, ...declaration.inputs];
  const hidden = new Set<string>();
  for (const field of fields) {
    for (const each of expressionsOfField(field)) collect(each, hidden, used);
    hidden.add(field.name.text);
  }
  const inBody = new Set(hidden);
  for (const field of fields) if (!holdsCode(field.type)) inBody.delete(field.name.text);
  for (const statement of declaration.body.statements) {
    for (const each of expressionsOf(statement)) collectHiding(each, hidden, inBody, used);
    for (const name of namesBound(statement)) {
      hidden.add(name);
      inBody.add(name);
    }
  }
  collectHiding(declaration.body.result, hidden, inBody, used);
  return used;
}

function holdsCode(type: Type | undefined): boolean {
  const inner = type?.kind === "type-optional" ? type.of : type;
  return inner?.kind === "type-name" && (inner.name === "block" || inner.name === "function");
}

export function namesBound(statement: Statement): string[] {
  if (statement.kind === "let") return statement.binding.names.map((name) => name.text);
  if (statement.kind === "init" || statement.kind === "require" || statement.kind === "next")
    return [];
  return [statement.name.text];
}

function collect(
  node: Expression | StageOperation,
  hidden: ReadonlySet<string>,
  used: Set<string>,
): void {
  collectHiding(node, hidden, hidden, used);
}

/** `asValue` hides names as values, `asCallee` where they are applied: a number does not hide a function. */
function collectHiding(
  node: Expression | StageOperation,
  asValue: ReadonlySet<string>,
  asCallee: ReadonlySet<string>,
  used: Set<string>,
): void {
  if (node.kind === "name") {
    if (!asValue.has(node.name)) used.add(node.name);
    return;
  }
  const callee =
    node.kind === "call" ? node.callee : node.kind === "braced" ? node.target : undefined;
  if (callee?.kind === "name" && !asCallee.has(callee.name)) used.add(callee.name);
  for (const child of childrenOf(node)) collectHiding(child, asValue, asCallee, used);
}
