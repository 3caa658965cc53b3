// Processes of Node's machine: who this one is, and whether another one, named earlier, lives still.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { ProcessIdentity, Processes } from "./host.ts";

export const nodeProcesses: Processes = {
  own: { id: process.pid, machine: hostname(), began: beginning(process.pid) },
  isAlive,
};

function isAlive({ id, began }: ProcessIdentity): boolean {
  try {
    process.kill(id, 0); // asks, and does nothing
  } catch (error) {
    // someone else's process may not be asked, but it is there
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return began === beginning(id);
}

/** What tells a process from a later one of its number: on Linux the boot and the tick at which it began; else nothing. */
function beginning(id: number): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const status = readFileSync(`/proc/${id}/stat`, "utf8");
    // the name of the program, in parentheses, may hold anything; the 22nd field is the 20th after it
    return `${boot} ${status.slice(status.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch {
    return "";
  }
}
