// One run, one process: `lock.json` in the run's folder says who trains it. A process that has died, however, leaves
// its lock behind, and the next one takes it over; one that lives is told apart from a later one of the same number by
// the moment at which it began.
import { WorldError } from "../errors.ts";
import type { Host, ProcessIdentity } from "../host/host.ts";

export interface RunLock {
  /** Lets the next process in. */
  readonly release: () => void;
}

/** @throws WorldError `busy` where a living process has the run, or one of another machine that nobody can ask about */
export function lockRun({ files, processes }: Host, folder: string): RunLock {
  const path = `${folder}/lock.json`;
  const own = JSON.stringify(processes.own);
  files.makeFolder(folder);
  for (let attempt = 0; attempt < 100; attempt++) {
    if (files.claim(path, own)) return { release: () => files.remove(path) };
    const holder = readLock(files, path);
    if (holder === undefined) continue; // released meanwhile
    if (holder.identity && isHeld(holder.identity, processes)) throw busy(folder, path, holder.identity, processes); // prettier-ignore
    takeAway(files, path, holder.text);
  }
  throw new WorldError(
    "busy",
    `the lock ${path} cannot be had`,
    "remove it if nothing trains there",
  );
}

interface Holder {
  readonly text: string;
  /** Absent where the text is none that we write: then nobody holds it. */
  readonly identity?: ProcessIdentity;
}

function readLock(files: Host["files"], path: string): Holder | undefined {
  if (!files.exists(path)) return undefined;
  let text: string;
  try {
    text = new TextDecoder().decode(files.read(path));
  } catch (error) {
    if (files.exists(path)) throw error;
    return undefined;
  }
  try {
    const { id, machine, began } = JSON.parse(text) as Partial<ProcessIdentity>;
    if (typeof id === "number" && typeof machine === "string" && typeof began === "string")
      return { text, identity: { id, machine, began } };
  } catch {
    // not JSON: a lock is put in place whole, so this is none
  }
  return { text };
}

function isHeld(holder: ProcessIdentity, processes: Host["processes"]): boolean {
  return holder.machine !== processes.own.machine || processes.isAlive(holder);
}

/** A dead process's lock goes; if another process was faster and this is its own by now, it is put back. */
function takeAway(files: Host["files"], path: string, stale: string): void {
  const aside = `${path}.stale`;
  try {
    files.rename(path, aside);
  } catch (error) {
    if (files.exists(path)) throw error;
    return;
  }
  const moved = new TextDecoder().decode(files.read(aside));
  files.remove(aside);
  if (moved !== stale) files.claim(path, moved);
}

function busy(
  folder: string,
  path: string,
  { id, machine }: ProcessIdentity,
  { own }: Host["processes"],
): WorldError {
  if (machine !== own.machine)
    return new WorldError(
      "busy",
      `process ${id} of the machine ${machine} trains the run in ${folder}`,
      `wait for it, choose another folder with --out, or remove ${path} if it is gone`,
    );
  const who = id === own.id ? "this process" : `process ${id}`;
  return new WorldError(
    "busy",
    `${who} trains the run in ${folder} already`,
    "wait for it or stop it, or choose another folder with --out",
  );
}
