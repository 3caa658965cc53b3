// Names in branches that are not taken: the evaluator never sees them, so every name of a declaration is looked up here.
// Where only the place of use tells what a name is (axes and words of closed sets as arguments), this check is silent.
import type { Diagnostic, FileSpan } from "../../grammar/diagnostic.ts";
import type {
  BlockDeclaration,
  CallExpression,
  Expression,
  Field,
  FunctionDeclaration,
  Identifier,
  StageOperation,
  Statement,
  Type,
} from "../../grammar/syntax.ts";
import { duplicateName, unknownName, unknownSetting } from "./errors.ts";
import {
  findName,
  namesInReach,
  type FileScope,
  type Library,
  type NamedDeclaration,
} from "./library.ts";
import { axisNamesIn, childrenOf, expressionsOf, expressionsOfField } from "./walk.ts";

export interface KnownNames {
  /** Functions that are no declarations, constants, distributions. */
  readonly beyond: ReadonlySet<string>;
  /** Parameters of those functions that take axes, shapes or words. */
  takesWord(callee: string, parameter: string | number): boolean;
}

/** Unknown names and names given twice, in all blocks and functions of a file. */
export function checkNames(library: Library, file: FileScope, known: KnownNames): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const declaration of file.declarations.values()) {
    if (isDataflow(declaration)) {
      new NameCheck(library, file, known, declaration, found).run();
    }
  }
  return found;
}

/** Schedules and sample operations have names of their own, which recipes know. */
function isDataflow(
  declaration: NamedDeclaration,
): declaration is BlockDeclaration | FunctionDeclaration {
  if (declaration.kind === "block" || declaration.kind === "model") return true;
  return declaration.kind === "function" && declaration.result.kind !== "type-name";
}

class NameCheck {
  private readonly library: Library;
  private readonly file: FileScope;
  private readonly known: KnownNames;
  private readonly declaration: BlockDeclaration | FunctionDeclaration;
  private readonly found: Diagnostic[];
  /** All that is bound anywhere in the declaration: order and nesting are the evaluator's affair. */
  private readonly bound = new Set<string>();

  constructor(
    library: Library,
    file: FileScope,
    known: KnownNames,
    declaration: BlockDeclaration | FunctionDeclaration,
    found: Diagnostic[],
  ) {
    this.library = library;
    this.file = file;
    this.known = known;
    this.declaration = declaration;
    this.found = found;
  }

  run(): void {
    const fields = fieldsOf(this.declaration);
    for (const field of fields) this.bindField(field);
    for (const statement of this.declaration.body.statements) this.bindStatement(statement);
    this.checkTwice(fields);
    const { body } = this.declaration;
    const expressions = [...body.statements.flatMap(expressionsOf), body.result];
    for (const each of expressions) this.bindInside(each);
    for (const each of fields.flatMap(expressionsOfField)) this.bindInside(each);
    for (const field of fields) {
      for (const each of expressionsOfField(field)) if (!isWordField(field.type)) this.look(each);
    }
    for (const each of expressions) this.look(each);
  }

  private bindField(field: Field): void {
    this.bound.add(field.name.text);
    this.bindType(field.type);
  }

  private bindType(type: Type | undefined): void {
    if (type === undefined) return;
    if (type.kind === "type-optional") this.bindType(type.of);
    if (type.kind === "type-choice") for (const option of type.options) this.bound.add(option.text);
    if (type.kind === "type-tensor")
      for (const name of axisNamesIn(type.shape)) this.bound.add(name);
  }

  private bindStatement(statement: Statement): void {
    if (statement.kind === "let")
      for (const name of statement.binding.names) this.bound.add(name.text);
    else if (statement.kind !== "init" && statement.kind !== "require")
      this.bound.add(statement.name.text);
    if (statement.kind === "param")
      for (const name of axisNamesIn(statement.shape)) this.bound.add(name);
    if (statement.kind === "draw" && statement.shape) {
      for (const name of axisNamesIn(statement.shape)) this.bound.add(name);
    }
    if (statement.kind === "state") this.bindType(statement.type);
  }

  /** Names that expressions bind: lets in braces, rounds of repeats, axes of arrows and renames. */
  private bindInside(node: Expression | StageOperation): void {
    const bind = (names: readonly Identifier[]) =>
      names.forEach((name) => this.bound.add(name.text));
    if (node.kind === "braces") for (const each of node.lets) bind(each.binding.names);
    if (node.kind === "repeat" && node.binding) bind(node.binding.names);
    if (node.kind === "comprehension") bind(node.binding.names);
    if (node.kind === "shape") for (const name of axisNamesIn(node)) this.bound.add(name);
    if (node.kind === "arrow") {
      for (const name of [...axisNamesIn(node.from), ...axisNamesIn(node.to)]) this.bound.add(name);
    }
    if (node.kind === "index") {
      for (const each of node.indices)
        if (each.kind === "index-rename") this.bound.add(each.to.text);
    }
    for (const child of childrenOf(node)) this.bindInside(child);
  }

  private look(node: Expression | StageOperation): void {
    if (node.kind === "name") {
      this.lookUp(node.name, this.at(node.span));
      return;
    }
    if (node.kind === "call") {
      this.look(node.callee);
      this.lookAtArguments(node);
      return;
    }
    if (node.kind === "list") {
      // Brackets may be a shape: a new axis is named there.
      for (const each of node.elements) if (each.kind !== "name") this.look(each);
      return;
    }
    if (
      node.kind === "binary" &&
      (node.operator === "==" || node.operator === "!=" || node.operator === "in")
    ) {
      this.look(node.left);
      if (node.right.kind !== "name" && node.right.kind !== "tuple") this.look(node.right);
      return;
    }
    for (const child of childrenOf(node)) this.look(child);
  }

  private lookAtArguments(call: CallExpression): void {
    let place = 0;
    for (const argument of call.arguments) {
      if (argument.kind === "initializer") continue;
      const key = argument.name?.text ?? place++;
      this.checkSetting(call.callee, argument.name);
      if (!this.mayBeWord(call.callee, key)) this.look(argument.value);
      else if (argument.value.kind !== "name" && argument.value.kind !== "tuple")
        this.look(argument.value);
    }
  }

  /** Settings by name of declared blocks and functions; a name that is neither setting nor input is misspelt. */
  private checkSetting(callee: Expression, name: Identifier | undefined): void {
    if (name === undefined || callee.kind !== "name" || this.bound.has(callee.name)) return;
    const declaration = findName(this.library, this.file, callee.name)?.declaration;
    const isBlock = declaration?.kind === "block" || declaration?.kind === "model";
    if (!isBlock && declaration?.kind !== "function") return;
    const names = fieldsOf(declaration).map((field) => field.name.text);
    if (names.includes(name.text)) return;
    const settings = isBlock ? declaration.settings.map((field) => field.name.text) : names;
    this.found.push(unknownSetting(callee.name, name.text, settings, this.at(name.span)));
  }

  /** Whether the callee may read a name there as an axis or a word. In a pipe, places count from the second. */
  private mayBeWord(callee: Expression, key: string | number): boolean {
    if (callee.kind !== "name") return true;
    const found = this.bound.has(callee.name)
      ? undefined
      : findName(this.library, this.file, callee.name);
    if (found === undefined) {
      return !this.known.beyond.has(callee.name) || this.known.takesWord(callee.name, key);
    }
    const { declaration } = found;
    if (declaration.kind === "function") {
      const fields = declaration.fields;
      const candidates =
        typeof key === "string" ? [fieldNamed(fields, key)] : [fields[key], fields[key + 1]];
      return candidates.some((field) => isWordField(field?.type));
    }
    if (declaration.kind !== "block" && declaration.kind !== "model") return true;
    const field =
      typeof key === "string" ? fieldNamed(declaration.settings, key) : declaration.settings[key];
    return isWordField(field?.type);
  }

  private lookUp(name: string, at: FileSpan): void {
    if (name === "" || this.bound.has(name) || this.known.beyond.has(name)) return;
    if (findName(this.library, this.file, name) !== undefined) return;
    const names = [...this.bound, ...namesInReach(this.library, this.file), ...this.known.beyond];
    this.found.push(unknownName(name, names, at));
  }

  /** No name is given twice in a body; a `param` may bear the name of the setting that switches it. */
  private checkTwice(fields: readonly Field[]): void {
    const places = new Map<string, FileSpan>();
    const give = (name: Identifier, mayRepeat: boolean) => {
      if (name.text === "" || name.text === "_") return;
      const first = places.get(name.text);
      const at = this.at(name.span);
      if (first !== undefined && !mayRepeat) this.found.push(duplicateName(name.text, at, first));
      else places.set(name.text, at);
    };
    for (const field of fields) give(field.name, false);
    for (const statement of this.declaration.body.statements) {
      if (statement.kind === "let") for (const name of statement.binding.names) give(name, false);
      else if (
        statement.kind === "init" ||
        statement.kind === "require" ||
        statement.kind === "next"
      )
        continue;
      else give(statement.name, "when" in statement && statement.when !== undefined);
    }
  }

  private at(span: { readonly start: number; readonly end: number }): FileSpan {
    return { file: this.file.name, start: span.start, end: span.end };
  }
}

function fieldsOf(declaration: BlockDeclaration | FunctionDeclaration): readonly Field[] {
  return declaration.kind === "function"
    ? declaration.fields
    : [...declaration.settings, ...declaration.inputs];
}

function fieldNamed(fields: readonly Field[], name: string): Field | undefined {
  return fields.find((field) => field.name.text === name);
}

/** A type under which a bare name may be a word or an axis. */
function isWordField(type: Type | undefined): boolean {
  if (type === undefined) return false;
  if (type.kind === "type-optional") return isWordField(type.of);
  return type.kind === "type-choice" || (type.kind === "type-name" && type.name === "axis");
}
