// What the terminal can do: colours where a person looks at it, a width, streams that may close early.
import type { WriteStream } from "node:tty";
import pc from "picocolors";

export type Colors = ReturnType<typeof pc.createColors>;

/** NO_COLOR wins over FORCE_COLOR; without either, colours are for terminals. */
export function usesColor(stream: NodeJS.WriteStream = process.stdout): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "")
    return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  return stream.isTTY && TERM !== "dumb";
}

export function colors(stream: NodeJS.WriteStream = process.stdout): Colors {
  return pc.createColors(usesColor(stream));
}

/** Whether bars may be drawn and redrawn. */
export function isInteractive(stream: NodeJS.WriteStream = process.stderr): boolean {
  const { TERM, CI } = process.env;
  return stream.isTTY && TERM !== "dumb" && (CI === undefined || CI === "" || CI === "false");
}

/** Columns; where there is no terminal, wide enough for anything. */
export function widthOf(stream: NodeJS.WriteStream = process.stdout): number {
  return (stream as WriteStream).columns ?? Number.POSITIVE_INFINITY;
}

/** A result: standard output. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Everything that is no result: standard error. */
export function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function sayJson(value: unknown): void {
  say(JSON.stringify(value, null, 2));
}

/** `vit list | head -1` is no error. */
export function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(0);
    });
  }
}
