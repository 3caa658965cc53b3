// Troubles of the world, as opposed to the author's mistakes (diagnostics) and our own (invariants):
// no adapter, a missing data set, an unreadable image, a full disk, a lost device.
// Each says what happened and, in `hint`, what to do next; the last good checkpoint is intact whenever one is thrown.

export type WorldCode =
  | "no-adapter"
  | "device-lost"
  | "out-of-memory"
  | "not-finite"
  | "missing-file"
  | "missing-dataset"
  | "missing-package"
  | "bad-setting"
  | "broken-image"
  | "broken-file"
  | "no-permission"
  | "disk-full"
  | "no-checkpoint"
  | "unlike-checkpoint"
  | "unlike-input"
  | "busy"
  | "unsupported"
  | "worker-stopped"
  | "file-trouble";

export class WorldError extends Error {
  readonly code: WorldCode;
  /** What to do next, in one sentence; often the next command to type. */
  readonly hint: string;

  constructor(code: WorldCode, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "WorldError";
    this.code = code;
    this.hint = hint;
  }
}

/** A WorldError as plain data, to cross from a worker thread. */
export interface WorldErrorData {
  readonly code: WorldCode;
  readonly message: string;
  readonly hint: string;
}

export function isWorldError(error: unknown): error is WorldError {
  return error instanceof WorldError;
}

/** Any error as data. What is not a WorldError is our own mistake and keeps its stack in the message. */
export function worldErrorData(error: unknown): WorldErrorData | { readonly stack: string } {
  if (isWorldError(error)) return { code: error.code, message: error.message, hint: error.hint };
  return { stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** The error that `worldErrorData` took apart. */
export function errorFromData(data: WorldErrorData | { readonly stack: string }): Error {
  return "stack" in data
    ? new Error(data.stack)
    : new WorldError(data.code, data.message, data.hint);
}

/** An error of the file system, told by its code. `doing` completes "could not ...", as in "write runs/a/log". */
export function fileError(cause: unknown, doing: string): WorldError {
  if (isWorldError(cause)) return cause;
  const code = (cause as { code?: unknown } | null)?.code;
  const reason = cause instanceof Error ? cause.message : String(cause);
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return new WorldError(
        "disk-full",
        `could not ${doing}: the disk is full`,
        "free some space, or choose another folder with --out",
        cause,
      );
    case "ENOENT":
      return new WorldError(
        "missing-file",
        `could not ${doing}: there is no such file or folder`,
        "check the path",
        cause,
      );
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new WorldError(
        "no-permission",
        `could not ${doing}: not allowed`,
        "check who owns the folder and that it is writable",
        cause,
      );
    default:
      return new WorldError(
        "file-trouble",
        `could not ${doing}: ${reason}`,
        "check the disk and the path, then try again",
        cause,
      );
  }
}
