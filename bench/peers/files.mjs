// Reads the suite's safetensors for peers in JavaScript: name -> { shape, values }.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

export function readTensors(path) {
  const file = readFileSync(path);
  const header = 8 + Number(file.readBigUInt64LE(0));
  const entries = Object.entries(JSON.parse(file.subarray(8, header).toString("utf8")));
  return new Map(
    entries
      .filter(([name]) => name !== "__metadata__")
      .map(
        ([
          name,
          {
            dtype,
            shape,
            data_offsets: [start, end],
          },
        ]) => {
          const bytes = file.buffer.slice(
            file.byteOffset + header + start,
            file.byteOffset + header + end,
          );
          return [
            name,
            { shape, values: dtype === "I32" ? new Int32Array(bytes) : new Float32Array(bytes) },
          ];
        },
      ),
  );
}

/** A row for each number, with its one. */
export function oneHot(numbers, kinds) {
  const values = new Float32Array(numbers.length * kinds);
  numbers.forEach((each, i) => (values[i * kinds + each] = 1));
  return { shape: [numbers.length, kinds], values };
}

/** Answers the suite's requests: `prepare(request)` gives `{ version, run }`, or throws `Cannot`. */
export async function serve(prepare) {
  let run;
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    let answer;
    if (request.ask === "prepare") {
      try {
        const prepared = await prepare(request);
        run = prepared.run;
        answer = { answer: "ready", version: prepared.version };
      } catch (error) {
        if (!(error instanceof Cannot)) throw error;
        answer = { answer: "cannot", why: error.message };
      }
    } else {
      const start = performance.now();
      const loss = await run();
      answer = { answer: "ran", ms: performance.now() - start, loss };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

export class Cannot extends Error {}
