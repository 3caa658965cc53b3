// Syntax tree -> the canonical text of a file (`vit fmt`).
// Keeps every comment, the author's empty lines (one at most) and the lines into which the author broke a pipe, a
// record or braces; all else follows from the tree. Formatting twice changes nothing, and never the tree.
import { Comments } from "./format-comments.ts";
import { binding } from "./format-flat.ts";
import { level } from "./format-flat.ts";
import { alignRows } from "./format-rows.ts";
import type { Row } from "./format-rows.ts";
import { printNames } from "./format-names.ts";
import { printVariants } from "./format-table.ts";
import { widest } from "./format-lines.ts";
import { Spread } from "./format-spread.ts";
import { parse } from "./parse.ts";
import type * as s from "./syntax.ts";
import { pathText } from "./syntax.ts";

/** The canonical text of a file that was parsed without errors. */
export function format(file: s.SyntaxFile): string {
  let text = printFile(file);
  // A comment that went to a line of its own lets what it stood in join up again: print until nothing moves.
  for (let round = 0; file.comments.length > 0 && round < mostRounds; round++) {
    const again = printFile(parse(text, file.name).file);
    if (again === text) break;
    text = again;
  }
  return text;
}

const mostRounds = 6;

function printFile(file: s.SyntaxFile): string {
  return new Printer(new Comments(file)).file(file);
}

class Printer {
  private readonly comments: Comments;
  private readonly spread: Spread;

  constructor(comments: Comments) {
    this.comments = comments;
    this.spread = new Spread(comments);
  }

  file(file: s.SyntaxFile): string {
    const lines: string[] = [];
    let previous: number | undefined;
    for (const declaration of file.declarations) {
      const above = this.comments.takeBefore(declaration.span.start);
      const text = this.declaration(declaration);
      // A comment from inside goes above; as documentation it would say something new there.
      const inside = this.comments.takeInside(declaration.span);
      lines.push(...inside.map((comment) => comment.text.replace(/^\/\/+/, "//")));
      previous = this.spread.weave(lines, previous, above, "");
      if (previous !== undefined && this.comments.hasBlankLine(previous, declaration.span.start))
        lines.push("");
      const trailing = this.comments.takeTrailing(declaration.span.end);
      lines.push(text + (trailing ? `  ${trailing.text}` : ""));
      previous = declaration.span.end;
    }
    this.spread.weave(lines, previous, this.comments.takeBefore(Infinity), "");
    return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
  }

  private declaration(node: s.Declaration): string {
    switch (node.kind) {
      case "use": {
        const source = node.isQuoted ? JSON.stringify(node.source.text) : node.source.text;
        return `use ${source}.{${node.names.map((name) => name.text).join(", ")}}`;
      }
      case "block":
      case "model": {
        const lists = node.settings.length === 0 ? [node.inputs] : [node.settings, node.inputs];
        return this.body(
          node.body,
          this.header(node.kind, node.name, lists, ` -> ${this.type(node.result)} {`),
        );
      }
      case "function":
        return this.body(
          node.body,
          this.header("function", node.name, [node.fields], ` -> ${this.type(node.result)} {`),
        );
      case "optimizer": {
        const lists = node.settings.length === 0 ? [node.inputs] : [node.settings, node.inputs];
        return this.body(node.body, this.header("optimizer", node.name, lists, " {"));
      }
      case "variants":
        return printVariants(node, this.spread);
      case "expect":
        return this.expectation(node, 0);
      case "recipe":
        return this.recipe(node);
      case "sweep":
        return this.sweep(node);
      case "names":
        return printNames(node, this.spread);
      case "let":
        return this.spread.assignment(`let ${binding(node.binding)} =`, node.value, 0);
    }
  }

  private type(node: s.Type): string {
    return this.spread.flat.type(node) ?? this.spread.typeWithoutComments(node);
  }

  // ------------------------------------------------------------------------------------------ headers

  /** On one line; else the second list below the first; else the fields of a list on lines of their own. */
  private header(
    keyword: string,
    name: s.Identifier,
    lists: readonly (readonly s.Field[])[],
    end: string,
  ): string {
    const start = `${keyword} ${name.text}`;
    const from = name.span.end;
    const flat = lists.map((list, i) =>
      this.fieldsInLine(list, lists[i - 1]?.at(-1)?.span.end ?? from),
    );
    if (flat.every((text) => text !== undefined)) {
      const line = start + flat.join("") + end;
      if (line.length <= widest) return line;
      const below = " ".repeat(start.length) + flat[1] + end;
      if (flat.length === 2 && start.length + flat[0]!.length <= widest && below.length <= widest) {
        return `${start}${flat[0]}\n${below}`;
      }
    }
    let text = start;
    lists.forEach((list, i) => {
      const room = widest - lastLine(text).length - (i === lists.length - 1 ? end.length : 1);
      text += flat[i] !== undefined && flat[i].length <= room ? flat[i] : this.fieldLines(list);
    });
    return text + end;
  }

  private fieldsInLine(list: readonly s.Field[], from: number): string | undefined {
    const last = list.at(-1);
    if (last && this.comments.isInside({ start: from, end: last.span.end })) return undefined;
    return this.spread.flat.wrap(
      "(",
      list.map((field) => this.spread.flat.field(field)),
      ")",
    );
  }

  /** Several fields a line, as the author grouped them, as long as they find room. */
  private fieldLines(list: readonly s.Field[]): string {
    const lines: string[] = [];
    list.forEach((field, i) => {
      const above = this.comments.takeBefore(field.span.start);
      const text = `${this.field(field)},`;
      above.push(...this.comments.takeInside(field.span));
      const previous = list[i - 1];
      const isWritten =
        !previous ||
        above.length > 0 ||
        this.comments.hasBreak(previous.span.end, field.span.start);
      const line = lines.at(-1);
      lines.push(...above.map((comment) => `  ${comment.text}`));
      const breaks =
        isWritten ||
        line === undefined ||
        line.includes("//") ||
        line.length + 1 + text.length > widest;
      if (breaks) lines.push(`  ${text}`);
      else lines[lines.length - 1] = `${line} ${text}`;
      const trailing = this.comments.takeTrailing(field.span.end);
      if (trailing) lines[lines.length - 1] += `  ${trailing.text}`;
    });
    return `(\n${lines.join("\n")}\n)`;
  }

  private field(node: s.Field): string {
    const flat = this.spread.flat.field(node);
    if (flat !== undefined && flat.length + 3 <= widest) return flat;
    const start = node.name.text + (node.type ? `: ${this.type(node.type)}` : "");
    return node.default ? this.spread.assignment(`${start} =`, node.default, 2) : start;
  }

  // ------------------------------------------------------------------------------------------ bodies

  /** A value alone stays beside the header if the author has it there. `start` is the header. */
  private body(node: s.Body, start: string): string {
    const inLine = start.includes("\n") ? undefined : this.bodyInLine(node, start.length);
    return start + (inLine ?? this.bodyLines(node));
  }

  private bodyInLine(node: s.Body, column: number): string | undefined {
    if (node.statements.length > 0 || this.comments.isInside(node.span)) return undefined;
    if (this.comments.hasBreak(node.span.start, node.result.span.start)) return undefined;
    const flat = this.spread.flat.expression(node.result, level.pipe);
    return flat !== undefined && column + flat.length + 3 <= widest ? ` ${flat} }` : undefined;
  }

  private bodyLines(node: s.Body): string {
    const hasStatements = node.statements.length > 0;
    const rows = node.statements.map((statement) => this.row(statement, false));
    rows.push({
      span: node.result.span,
      print: (indent) => this.spread.result(node.result, hasStatements, indent),
    });
    return `\n${alignRows(rows, this.spread, 2, node.span.end).join("\n")}\n}`;
  }

  /** A statement or clause as parts that can stand below those of its neighbours. */
  private row(node: s.Statement | s.Clause, inRecipe: boolean): Row {
    const aligned = (keyword: string, name: string, value: s.Expression): Row => ({
      span: node.span,
      group: inRecipe ? (keyword === "metric" ? "measure" : "clause") : keyword,
      mayBeLong: inRecipe,
      keyword,
      name,
      sign: "=",
      value: this.spread.flat.expression(value, level.pipe),
      print: (indent) =>
        this.spread.assignment([keyword, name, "="].filter(Boolean).join(" "), value, indent),
      printAfter: (start, indent) => this.spread.assignment(start, value, indent),
    });
    switch (node.kind) {
      case "let": {
        const row = aligned("let", binding(node.binding), node.value);
        // A long row of names would push its neighbours far to the right.
        return inRecipe && node.binding.isTuple ? { span: row.span, print: row.print } : row;
      }
      case "net":
      case "twin":
      case "data":
      case "view":
      case "metric":
        return aligned(node.kind, node.name.text, node.value);
      case "loss":
        return node.name
          ? aligned("loss", node.name.text, node.value)
          : aligned("", "loss", node.value);
      case "assign":
        return aligned("", node.name.text, node.value);
      case "evaluate":
        return this.evaluation(node);
      case "param":
        return this.drawn(
          node,
          "param",
          node.name.text,
          this.spread.withoutComments(node.shape),
          "~",
          node.distribution,
        );
      case "state":
        return this.drawn(
          node,
          "state",
          node.name.text,
          this.stateDetail(node),
          "~",
          node.distribution,
        );
      case "draw":
        return this.drawn(
          node,
          "draw",
          node.name.text,
          node.shape ? this.spread.withoutComments(node.shape) : "",
          "~",
          node.distribution,
        );
      case "init":
        return this.drawn(node, "init", pathText(node.path), "", "~", node.distribution);
      case "next":
        return this.drawn(node, "next", node.name.text, "", "=", node.value);
      default:
        return { span: node.span, print: (indent) => this.plainClause(node, indent) };
    }
  }

  /** `keyword name ~ value when condition`. */
  private drawn(
    node: s.Statement & { when: s.Expression | undefined },
    keyword: string,
    name: string,
    detail: string,
    sign: string,
    value: s.Expression,
  ): Row {
    const condition = node.when && this.spread.flat.expression(node.when, level.operation);
    const flat = this.spread.flat.expression(value, level.operation);
    const print = (start: string, indent: number): string => {
      const text = `${start} ${this.spread.expression(value, level.operation, indent, indent + start.length + 1)}`;
      if (!node.when) return text;
      return `${text} when ${this.spread.expression(node.when, level.operation, indent + 2, lastLine(text).length + 6)}`;
    };
    return {
      span: node.span,
      group: keyword,
      keyword,
      name,
      ...(detail === "" ? {} : { detail }),
      sign,
      value: node.when && condition === undefined ? undefined : flat,
      when: condition,
      print: (indent) => print([keyword, name, detail, sign].filter(Boolean).join(" "), indent),
      printAfter: (start, indent) => print(start, indent),
    };
  }

  private stateDetail(node: s.StateStatement): string {
    const type = node.type ? this.type(node.type) : "";
    const like = node.like ? `like ${this.spread.withoutComments(node.like)}` : "";
    return [type, like].filter(Boolean).join(" ");
  }

  private evaluation(node: s.EvaluateClause): Row {
    const every = (indent: number): string =>
      ` every ${this.spread.expression(node.every, level.operation, indent, indent + 8)}`;
    const value = this.spread.flat.expression(node.value, level.pipe);
    const period = this.spread.flat.expression(node.every, level.operation);
    const print = (start: string, indent: number): string =>
      this.spread.assignment(start, node.value, indent) + every(indent);
    return {
      span: node.span,
      group: "measure",
      mayBeLong: true,
      keyword: "evaluate",
      name: node.name.text,
      sign: "=",
      value: value === undefined || period === undefined ? undefined : `${value} every ${period}`,
      print: (indent) => print(`evaluate ${node.name.text} =`, indent),
      printAfter: print,
    };
  }

  private plainClause(node: PlainClause, indent: number): string {
    switch (node.kind) {
      case "draw-setting": {
        const start = `draw ${node.name.text} from `;
        return (
          start + this.spread.expression(node.from, level.operation, indent, indent + start.length)
        );
      }
      case "require": {
        const condition = this.spread.expression(
          node.condition,
          level.operation,
          indent,
          indent + 8,
        );
        return `require ${condition} ${node.message.text}`;
      }
      case "load": {
        const as = node.as ? ` as ${node.as.text}` : "";
        const start = `load ${pathText(node.path)} from ${node.from?.text ?? "none"}${as}`;
        return node.changes ? this.withRecord(start, node.changes, indent) : start;
      }
      case "freeze":
        return `freeze ${node.paths.map(pathText).join(", ")}`;
      case "recompute": {
        const { what } = node;
        if (what.kind === "word") return `recompute ${what.word.text}`;
        return `recompute to ${what.amount.text} ${what.unit.text}`;
      }
      case "clamp": {
        const start = `clamp ${pathText(node.path)} to `;
        return (
          start + this.spread.expression(node.range, level.operation, indent, indent + start.length)
        );
      }
      case "except": {
        const condition = this.spread.expression(
          node.condition,
          level.operation,
          indent,
          indent + 7,
        );
        return this.withRecord(
          `except ${condition}${node.index ? ` as ${node.index.text}` : ""}`,
          node.settings,
          indent,
        );
      }
      case "expect":
        return this.expectation(node, indent);
    }
  }

  private withRecord(start: string, record: s.RecordExpression, indent: number): string {
    const flat = this.spread.flat.expression(record, level.pipe);
    const fits = flat !== undefined && indent + lastLine(start).length + 1 + flat.length <= widest;
    return `${start} ${fits ? flat : this.spread.record(record, indent)}`;
  }

  private expectation(node: s.ExpectDeclaration | s.ExpectClause, indent: number): string {
    const claim = `expect ${this.spread.expression(node.claim, level.operation, indent, indent + 7)}`;
    return node.figures ? this.withRecord(claim, node.figures, indent) : claim;
  }

  // ------------------------------------------------------------------------------------------ recipes and sweeps

  private recipe(node: s.RecipeDeclaration): string {
    const parent = node.parent
      ? ` from ${this.spread.expression(node.parent, level.target, 0, 0)}`
      : "";
    const lists = node.settings.length > 0 ? [node.settings] : [];
    const header = this.header("recipe", node.name, lists, `${parent} {`);
    const rows = node.clauses.map((clause) => this.row(clause, true));
    const lines = alignRows(rows, this.spread, 2, node.span.end);
    return [header, ...lines, "}"].join("\n");
  }

  private sweep(node: s.SweepDeclaration): string {
    const items = node.axes.map((axis) => ({
      span: axis.span,
      print: (indent: number) => {
        const start = `${binding(axis.binding)} in `;
        return (
          start +
          this.spread.expression(axis.values, level.operation, indent, indent + start.length)
        );
      },
    }));
    return `sweep ${node.name.text} of ${node.of.text} ${this.spread.bracketed("{", items, "}", node.span, 0)}`;
  }
}

type PlainClause =
  | s.SettingDraw
  | s.RequireStatement
  | s.LoadClause
  | s.FreezeClause
  | s.RecomputeClause
  | s.ClampClause
  | s.ExceptClause
  | s.ExpectClause;

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf("\n") + 1);
}
