// A peer as a process: asked one thing at a time, ended when it is no longer needed or does not answer.
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import type { Answer, Request } from "./protocol.ts";

export interface PeerCommand {
  readonly name: string;
  /** Unless it computes on a GPU. */
  readonly threads?: number;
  readonly command?: readonly string[];
  /** Why there is nothing to start. */
  readonly missing?: string;
}

export class PeerProcess {
  readonly name: string;
  private readonly child: ChildProcess;
  private readonly waiting: { give: (answer: Answer) => void; fail: (error: Error) => void }[] = [];
  private said = "";

  constructor({ name, command, missing }: PeerCommand) {
    if (command === undefined) throw new Error(missing);
    this.name = name;
    const [program, ...rest] = command;
    this.child = spawn(program!, rest, { stdio: ["pipe", "pipe", "pipe"] });
    createInterface({ input: this.child.stdout! }).on("line", (line) => this.hear(line));
    this.child.stderr!.on("data", (text: Buffer) => (this.said = (this.said + String(text)).slice(-2000))); // prettier-ignore
    this.child.on("error", (error) => this.failAll(error));
    this.child.on("exit", (code) => this.failAll(new Error(`it ended with ${code}: ${lastLine(this.said)}`))); // prettier-ignore
  }

  /** @throws Error where the peer ends, or does not answer within `seconds` */
  ask(request: Request, seconds: number): Promise<Answer> {
    return new Promise((give, fail) => {
      const timer = setTimeout(() => {
        this.end();
        fail(new Error(`no answer in ${seconds} s, so it was ended`));
      }, seconds * 1000);
      const settled =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          then(value);
        };
      this.waiting.push({ give: settled(give), fail: settled(fail) });
      this.child.stdin!.write(`${JSON.stringify(request)}\n`);
    });
  }

  /** Seconds of the processor that it and its threads have used. */
  get processorSeconds(): number {
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  end(): void {
    this.child.kill("SIGKILL");
  }

  private hear(line: string): void {
    // Libraries say things of their own on standard output.
    if (!line.startsWith('{"answer"')) return;
    this.waiting.shift()?.give(JSON.parse(line) as Answer);
  }

  private failAll(error: Error): void {
    for (const { fail } of this.waiting.splice(0)) fail(error);
  }
}

function lastLine(said: string): string {
  return said.trim().split("\n").at(-1) ?? "";
}
