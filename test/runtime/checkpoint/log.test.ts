import { appendFileSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeFiles } from "../../../runtime/host/node.ts";
import { openLog, positionAtStep, readLog } from "../../../runtime/checkpoint/log.ts";
import { temporaryFolder } from "../temporary-folder.ts";

describe("the log of a run", () => {
  test("is a JSON object a line", () => {
    const path = `${temporaryFolder()}/metrics.jsonl`;
    const log = openLog(nodeFiles, path);
    log.write({ event: "step", step: 1, loss: 2.5 });
    log.write({ event: "evaluation", step: 1, name: "größe" });
    log.close();
    expect(readFileSync(path, "utf8")).toBe(
      '{"event":"step","step":1,"loss":2.5}\n{"event":"evaluation","step":1,"name":"größe"}\n',
    );
    expect(log.position()).toBe(readFileSync(path).length);
  });

  test("goes on from a checkpoint as if it had never stopped", () => {
    const path = `${temporaryFolder()}/metrics.jsonl`;
    const write = (keep: number, steps: number[]): number[] => {
      const log = openLog(nodeFiles, path, keep);
      const positions = steps.map((step) => {
        log.write({ event: "step", step });
        log.sync();
        return log.position();
      });
      log.close();
      return positions;
    };
    const [, , afterThree] = write(0, [1, 2, 3, 4, 5]);
    const whole = readFileSync(path, "utf8");
    appendFileSync(path, '{"event":"st'); // killed within a line
    expect(readLog(nodeFiles, path)).toHaveLength(5);
    write(afterThree!, [4, 5]);
    expect(readFileSync(path, "utf8")).toBe(whole);
  });

  test("finds the place of a step where none was remembered", () => {
    const path = `${temporaryFolder()}/metrics.jsonl`;
    const log = openLog(nodeFiles, path);
    log.write({ event: "start" });
    const places = [1, 2, 3].map((step) => {
      log.write({ event: "step", step });
      return log.position();
    });
    log.close();
    expect([1, 2, 3, 9].map((step) => positionAtStep(nodeFiles, path, step))).toEqual([
      ...places,
      places[2],
    ]);
  });

  test("begins anew where nothing is to be kept", () => {
    const path = `${temporaryFolder()}/metrics.jsonl`;
    for (const run of [1, 2]) {
      const log = openLog(nodeFiles, path);
      log.write({ run });
      log.close();
    }
    expect(readLog(nodeFiles, path)).toEqual([{ run: 2 }]);
  });

  test("that is shorter than its checkpoint says is not made up", () => {
    const path = `${temporaryFolder()}/metrics.jsonl`;
    expect(() => openLog(nodeFiles, path, 10)).toThrow(
      "has 0 bytes, but the checkpoint was made when it had 10",
    );
  });
});
