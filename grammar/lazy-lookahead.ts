// How chevrotain decides by the next tokens, each decision of the grammar worked out when it is first met: most files
// meet few of them, and working out all takes longer than reading a file.
import { LLkLookaheadStrategy } from "chevrotain";
import type { ILookaheadStrategy, IOrAlt } from "chevrotain";

type ChooseAlternative = ReturnType<ILookaheadStrategy["buildLookaheadForAlternation"]>;
type ChooseOption = ReturnType<ILookaheadStrategy["buildLookaheadForOptional"]>;

export class LazyLookahead extends LLkLookaheadStrategy {
  override buildLookaheadForAlternation(
    options: Parameters<ILookaheadStrategy["buildLookaheadForAlternation"]>[0],
  ): ChooseAlternative {
    const build = () => super.buildLookaheadForAlternation(options);
    let choose: ChooseAlternative | undefined;
    return function (this: unknown, alternatives?: IOrAlt<unknown>[]) {
      choose ??= build();
      return choose.call(this, alternatives);
    };
  }

  override buildLookaheadForOptional(
    options: Parameters<ILookaheadStrategy["buildLookaheadForOptional"]>[0],
  ): ChooseOption {
    const build = () => super.buildLookaheadForOptional(options);
    let choose: ChooseOption | undefined;
    return function (this: unknown) {
      choose ??= build();
      return choose.call(this);
    };
  }
}
