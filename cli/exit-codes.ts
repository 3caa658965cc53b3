// How `vit` ends. `diff` ends as diff(1) does: see there.

export const exit = {
  fine: 0,
  /** A spec, a checkpoint or an image is wrong. */
  wrongInput: 1,
  wrongUsage: 2,
  /** No GPU, no file, a full disk. */
  worldFailed: 3,
} as const;

/** The command line makes no sense. */
export class UsageError extends Error {
  readonly hints: readonly string[];

  constructor(message: string, hints: readonly string[] = []) {
    super(message);
    this.name = "UsageError";
    this.hints = hints;
  }
}
