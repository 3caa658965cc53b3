// One scope of labels: a block's body, labelled braces, or one round of a repeat. It says which path an instance
// gets, and finds two that would get the same.
// In labelled braces and repeats one block may stay unlabelled and then stands at the very path of the braces; so does
// the model that another model's body applies, and nothing else.
import type { FileSpan } from "../../../grammar/diagnostic.ts";

export { snakeCase } from "../../model/snake-case.ts";

export type Taken =
  | { readonly path: string }
  | { readonly clash: FileSpan; readonly path: string; readonly isUnlabelled: boolean };

/** What may stand at the very path of the scope itself, if it has no label. */
export type Standing = "nothing" | "a model" | "a block";

export class PathFrame {
  readonly path: string;
  private readonly mayStandHere: Standing;
  private readonly labels = new Map<string, FileSpan>();
  private standing: FileSpan | undefined;

  constructor(path: string, mayStandHere: Standing) {
    this.path = path;
    this.mayStandHere = mayStandHere;
  }

  /** The path of a labelled instance, parameter or scope. */
  take(label: string, at: FileSpan): Taken {
    const path = joinPath(this.path, label);
    const clash = this.labels.get(label);
    if (clash !== undefined) return { clash, path, isUnlabelled: false };
    this.labels.set(label, at);
    return { path };
  }

  /** The path of an instance without a label; `name` is the block's, or the setting's, in snake case. */
  takeUnlabelled(name: string, isModel: boolean, at: FileSpan): Taken {
    if (this.mayStandHere === "nothing" || (this.mayStandHere === "a model" && !isModel)) {
      const taken = this.take(name, at);
      return "clash" in taken ? { ...taken, isUnlabelled: true } : taken;
    }
    if (this.standing !== undefined) {
      return { clash: this.standing, path: this.path, isUnlabelled: true };
    }
    this.standing = at;
    return { path: this.path };
  }
}

export function joinPath(path: string, label: string): string {
  return path === "" ? label : `${path}.${label}`;
}

/** True for `path` itself and everything below it; the empty path is above all. */
export function isUnder(path: string, above: string): boolean {
  return above === "" || path === above || path.startsWith(`${above}.`);
}
