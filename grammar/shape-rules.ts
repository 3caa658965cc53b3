// Rules for shapes: `[batch, (heads c), rows = size / 2, ..]`.
import { LiteralRules } from "./literal-rules.ts";
import { textSpan } from "./recovery.ts";
import type * as s from "./syntax.ts";
import * as t from "./tokens.ts";

export abstract class ShapeRules extends LiteralRules {
  protected abstract readonly operation: () => s.Expression;
  protected abstract readonly operand: () => s.Expression;

  protected readonly shape: () => s.Shape = this.RULE("shape", (): s.Shape => {
    const first = this.CONSUME(t.LeftBracket);
    const axes = this.commaSeparated(() => this.SUBRULE(this.axis), t.RightBracket);
    this.CONSUME(t.RightBracket);
    return { kind: "shape", axes, span: this.since(first) };
  });

  protected readonly axis = this.recoveringRule<s.Axis>(
    "axis",
    (): s.Axis => {
      const first = this.LA(1);
      return this.OR({
        IGNORE_AMBIGUITIES: true, // the gates tell them apart
        ERR_MSG: "an axis",
        DEF: [
          {
            GATE: () => this.is(2, t.Comma) || this.is(2, t.RightBracket),
            ALT: (): s.Axis => {
              this.CONSUME(t.DotDot);
              return { kind: "axis-rest", span: this.since(first) };
            },
          },
          { GATE: () => this.ahead().isSpecial, ALT: () => this.SUBRULE(this.axisGroup) },
          { GATE: () => this.is(2, t.As), ALT: () => this.SUBRULE(this.axisRename) },
          { GATE: () => this.is(2, t.Equals), ALT: () => this.SUBRULE(this.axisName) },
          {
            ALT: () => {
              const size = this.SUBRULE(this.operation);
              return this.ACTION(() => sizeAxis(size));
            },
          },
        ],
      });
    },
    (span) => ({ kind: "axis-size", size: { kind: "missing", span }, span }),
  );

  protected readonly axisRename = this.RULE("axisRename", (): s.Axis => {
    const first = this.LA(1);
    const from = this.SUBRULE(this.identifier);
    this.CONSUME(t.As);
    const to = this.SUBRULE1(this.identifier);
    return { kind: "axis-renamed", from, to, span: this.since(first) };
  });

  protected readonly axisName = this.RULE("axisName", (): s.Axis => {
    const first = this.LA(1);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(t.Equals);
    const size = this.OR({
      ERR_MSG: "a size",
      DEF: [
        {
          ALT: (): s.Expression => ({
            kind: "wildcard",
            span: textSpan(this.CONSUME(t.Wildcard), 0),
          }),
        },
        { ALT: () => this.SUBRULE(this.operation) },
      ],
    });
    return { kind: "axis-name", name, size, span: this.since(first) };
  });

  protected readonly axisGroup = this.RULE("axisGroup", (): s.Axis => {
    const first = this.CONSUME(t.LeftParen);
    const factors: s.AxisFactor[] = [];
    this.AT_LEAST_ONE({
      ERR_MSG: "an axis",
      DEF: () => factors.push(this.SUBRULE(this.axisFactor)),
    });
    this.CONSUME(t.RightParen);
    const as = this.OPTION(() => {
      this.CONSUME(t.As);
      return this.SUBRULE(this.identifier);
    });
    return { kind: "axis-group", factors, as, span: this.since(first) };
  });

  protected readonly axisFactor = this.RULE("axisFactor", (): s.AxisFactor => {
    const first = this.LA(1);
    return this.OR([
      {
        ALT: () => {
          const size = this.numberExpression(this.CONSUME(t.NumberLiteral));
          return { name: undefined, size, span: this.since(first) };
        },
      },
      {
        ALT: () => {
          const name = this.SUBRULE(this.identifier);
          const size = this.OPTION(() => {
            this.CONSUME(t.Equals);
            return this.SUBRULE(this.factorSize);
          });
          return { name, size, span: this.since(first) };
        },
      },
    ]);
  });

  /** A number, and no unit: in `(a = 2 samples)` the second word is the next axis. */
  protected readonly factorSize = this.RULE("factorSize", (): s.Expression =>
    this.OR({
      IGNORE_AMBIGUITIES: true,
      ERR_MSG: "a size",
      DEF: [
        { ALT: () => this.numberExpression(this.CONSUME(t.NumberLiteral)) },
        { ALT: () => this.SUBRULE(this.operand) },
      ],
    }),
  );
}

/** A lone name in a shape is an axis; anything else there is a size. */
function sizeAxis(size: s.Expression): s.Axis {
  if (size.kind !== "name") return { kind: "axis-size", size, span: size.span };
  return {
    kind: "axis-name",
    name: { text: size.name, span: size.span },
    size: undefined,
    span: size.span,
  };
}
