// Events of a run -> `metrics.jsonl`, a JSON object a line, in order.
// A checkpoint remembers how long the log was (`position`, after `sync`); to resume is to cut it back to there and
// go on, so that the log of a resumed run is that of one that never stopped.
import { WorldError } from "../errors.ts";
import type { Files } from "../host/host.ts";

export type LogEvent = Readonly<Record<string, unknown>>;

export interface Log {
  readonly write: (event: LogEvent) => void;
  /** Bytes written so far, those of earlier sittings included. */
  readonly position: () => number;
  /** Returns once all events are on the disk. */
  readonly sync: () => void;
  readonly close: () => void;
}

/** Opens the log after its first `keepBytes` bytes; what follows them is cut off. 0 begins anew. */
export function openLog(files: Files, path: string, keepBytes = 0): Log {
  cutBack(files, path, keepBytes);
  const writer = files.append(path);
  let position = keepBytes;
  return {
    write: (event) => {
      const bytes = new TextEncoder().encode(`${JSON.stringify(event)}\n`);
      writer.write(bytes);
      position += bytes.length;
    },
    position: () => position,
    sync: () => writer.sync(),
    close: () => writer.close(),
  };
}

function cutBack(files: Files, path: string, keepBytes: number): void {
  const size = files.exists(path) ? files.size(path) : 0;
  if (size < keepBytes) {
    throw new WorldError(
      "broken-file",
      `${path} has ${size} bytes, but the checkpoint was made when it had ${keepBytes}`,
      "put the log back, or begin a new run",
    );
  }
  if (size > keepBytes) files.truncate(path, keepBytes);
}

/** All whole events; a last line that was cut short by a crash is left out. */
export function readLog(files: Files, path: string): readonly LogEvent[] {
  return lines(files, path).map(({ text }) => JSON.parse(text) as LogEvent);
}

/** Where the log ends that had got to `step`: before the first event of a later step, for a run without a recorded position. */
export function positionAtStep(files: Files, path: string, step: number): number {
  const all = lines(files, path);
  const later = all.find(({ text }) => Number((JSON.parse(text) as LogEvent).step) > step);
  return later ? later.from : (all.at(-1)?.to ?? 0);
}

interface Line {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

function lines(files: Files, path: string): readonly Line[] {
  const bytes = files.read(path);
  const result: Line[] = [];
  for (
    let from = 0, end = bytes.indexOf(0x0a);
    end >= 0;
    from = end + 1, end = bytes.indexOf(0x0a, from)
  ) {
    result.push({ text: new TextDecoder().decode(bytes.subarray(from, end)), from, to: end + 1 });
  }
  return result;
}
