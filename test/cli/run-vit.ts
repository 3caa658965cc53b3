// Runs `vit` with words in this process, and catches what it writes and how it ends.
import { vi } from "vitest";
import { vit } from "../../cli/vit.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function runVit(...words: readonly string[]): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  vi.stubEnv("NO_COLOR", "1");
  const writes = [
    vi.spyOn(process.stdout, "write").mockImplementation((text) => Boolean(out.push(String(text)))),
    vi.spyOn(process.stderr, "write").mockImplementation((text) => Boolean(err.push(String(text)))),
  ];
  try {
    const code = await vit(words);
    return { code, out: out.join(""), err: err.join("") };
  } finally {
    for (const write of writes) write.mockRestore();
    vi.unstubAllEnvs();
  }
}

/** The same where JSON is printed. */
export async function runVitJson<T>(...words: readonly string[]): Promise<T> {
  const { out } = await runVit(...words, "--json");
  return JSON.parse(out) as T;
}
