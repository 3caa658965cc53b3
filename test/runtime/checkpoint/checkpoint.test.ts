import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { WorldError } from "../../../runtime/errors.ts";
import { nodeFiles } from "../../../runtime/host/node.ts";
import type { Files, FileWriter } from "../../../runtime/host/host.ts";
import {
  latestCheckpoint,
  loadCheckpoint,
  saveCheckpoint,
} from "../../../runtime/checkpoint/checkpoint.ts";
import type { Checkpoint } from "../../../runtime/checkpoint/checkpoint.ts";
import { asFloat32, storeFloat32, storeInt32 } from "../../../runtime/checkpoint/stored-values.ts";
import { temporaryFolder } from "../temporary-folder.ts";

function checkpoint(step: number): Checkpoint {
  return {
    step,
    parameters: new Map([["head.weight", storeFloat32(Float32Array.of(step, 2, 3, 4), [2, 2])]]),
    state: new Map([
      ["head.weight.m", storeFloat32(Float32Array.of(0, 0, 0, step), [2, 2])],
      ["t", storeInt32(Int32Array.of(step), [])],
    ]),
    info: { spec: "recipe r {}", logBytes: 100 * step },
  };
}

/** The run's latest checkpoint is whole, and this one. */
function expectLatest(run: string, step: number | null): void {
  const found = latestCheckpoint(nodeFiles, run);
  expect(found?.step ?? null).toBe(step);
  if (!found) return;
  const loaded = loadCheckpoint(nodeFiles, found.path);
  expect(loaded.step).toBe(found.step);
  expect(loaded.info).toEqual(checkpoint(found.step).info);
  expect([...asFloat32(loaded.parameters.get("head.weight")!)]).toEqual([found.step, 2, 3, 4]);
  expect([...asFloat32(loaded.state.get("head.weight.m")!)]).toEqual([0, 0, 0, found.step]);
}

describe("a checkpoint", () => {
  test("is a folder of two safetensors and a JSON, and comes back as it was", () => {
    const run = temporaryFolder();
    const path = saveCheckpoint(nodeFiles, run, checkpoint(1200));
    expect(path).toBe(`${run}/checkpoints/step-00001200`);
    expect(readdirSync(path).sort()).toEqual([
      "checkpoint.json",
      "parameters.safetensors",
      "state.safetensors",
    ]);
    expectLatest(run, 1200);
  });

  test("pushes out the oldest", () => {
    const run = temporaryFolder();
    for (const step of [10, 20, 30, 100_000_000])
      saveCheckpoint(nodeFiles, run, checkpoint(step), 2);
    expect(readdirSync(`${run}/checkpoints`).sort()).toEqual(["step-00000030", "step-100000000"]);
    expectLatest(run, 100_000_000);
  });

  test("of the same step is the same checkpoint", () => {
    const run = temporaryFolder();
    expect(saveCheckpoint(nodeFiles, run, checkpoint(5))).toBe(
      saveCheckpoint(nodeFiles, run, checkpoint(5)),
    );
    expectLatest(run, 5);
  });

  test("that is damaged is passed over, and named", () => {
    const run = temporaryFolder();
    saveCheckpoint(nodeFiles, run, checkpoint(1));
    const newest = saveCheckpoint(nodeFiles, run, checkpoint(2));
    truncateSync(`${newest}/state.safetensors`, 40);
    expectLatest(run, 1);
    expect(latestCheckpoint(nodeFiles, run)!.passedOver[0]).toMatch(
      /step-00000002\/state.safetensors is cut short/,
    );
    saveCheckpoint(nodeFiles, run, checkpoint(2)); // and written again
    expectLatest(run, 2);
  });

  test("is none where there is none", () => {
    const run = temporaryFolder();
    expectLatest(run, null);
    expect(() => loadCheckpoint(nodeFiles, run)).toThrow("is not a checkpoint");
    const path = saveCheckpoint(nodeFiles, run, checkpoint(1));
    writeFileSync(`${path}/checkpoint.json`, '{"format": 9}');
    expectLatest(run, null);
    expect(() => loadCheckpoint(nodeFiles, path)).toThrow("not of a form that this version reads");
  });
});

/** Files that do not wait for the disk: a power cut is not what these tests provoke. */
const quickFiles: Files = {
  ...nodeFiles,
  create: (path) => ({ ...nodeFiles.create(path), sync: () => {} }),
  syncFolder: () => {},
};

/** Files whose every change counts; before the one numbered `at`, and from then on, `fail` is called instead. */
function failingAt(
  at: number,
  fail: () => never,
  half = false,
): { files: Files; changes: () => number } {
  let changes = 0;
  const guard = <A extends unknown[]>(act: (...args: A) => void, partly?: (...args: A) => void) => {
    return (...args: A): void => {
      if (changes >= at) {
        if (half && changes === at) partly?.(...args);
        changes++;
        fail();
      }
      changes++;
      act(...args);
    };
  };
  const guardWriter = (writer: FileWriter): FileWriter => ({
    write: guard(writer.write, (bytes) => writer.write(bytes.subarray(0, bytes.length >> 1))),
    sync: guard(writer.sync),
    close: writer.close,
  });
  const files: Files = {
    ...quickFiles,
    makeFolder: guard(quickFiles.makeFolder),
    create: (path) => {
      guard(() => {})();
      return guardWriter(quickFiles.create(path));
    },
    rename: guard(nodeFiles.rename),
    syncFolder: guard(quickFiles.syncFolder),
    // removing a folder is many changes: killed within, it has lost its first file
    remove: guard(nodeFiles.remove, (path) => {
      if (nodeFiles.isFolder(path))
        for (const name of nodeFiles.list(path).slice(0, 1)) nodeFiles.remove(`${path}/${name}`);
    }),
  };
  return { files, changes: () => changes };
}

/** What a kill does: nothing of ours runs afterwards. */
function kill(): never {
  throw new Error("killed");
}

function stopsOf(save: (files: Files) => void): number {
  const counting = failingAt(Infinity, kill);
  save(counting.files);
  return counting.changes();
}

describe("whatever stops us in the middle of saving", () => {
  /** A run with checkpoints 1 and 2, about to save 3 and to push 1 out. */
  function runWithTwo(): string {
    const run = temporaryFolder();
    saveCheckpoint(quickFiles, run, checkpoint(1));
    saveCheckpoint(quickFiles, run, checkpoint(2));
    return run;
  }
  const countStops = (): number =>
    stopsOf((files) => saveCheckpoint(files, runWithTwo(), checkpoint(3)));

  test("there are enough places to stop for this to mean something", () => {
    expect(countStops()).toBeGreaterThan(15);
  });

  test.each([false, true])(
    "a kill leaves the old checkpoint or the new one, whole, at every point (writes cut in half: %s)",
    (half) => {
      const stops = countStops();
      let olds = 0;
      for (let at = 0; at < stops; at++) {
        const run = runWithTwo();
        expect(() => saveCheckpoint(failingAt(at, kill, half).files, run, checkpoint(3))).toThrow(
          "killed",
        );
        const { step, passedOver } = latestCheckpoint(nodeFiles, run)!;
        expect(passedOver).toEqual([]);
        expectLatest(run, step);
        if (step === 2) olds++;
        saveCheckpoint(quickFiles, run, checkpoint(3)); // the run goes on
        expectLatest(run, 3);
        expect(readdirSync(`${run}/checkpoints`).sort()).toEqual([
          "step-00000002",
          "step-00000003",
        ]);
      }
      expect(olds).toBeGreaterThan(10);
      expect(olds).toBeLessThan(stops);
    },
  );

  test("a full disk is told, with what is left, and can be freed", () => {
    const stops = countStops();
    for (let at = 0; at < stops; at++) {
      const run = runWithTwo();
      const full = (): never => {
        throw new WorldError("disk-full", "could not write x: the disk is full", "free some space");
      };
      expect(() => saveCheckpoint(failingAt(at, full).files, run, checkpoint(3))).toThrow(
        "the disk is full",
      );
      expectLatest(run, latestCheckpoint(nodeFiles, run)!.step);
    }
    const run = runWithTwo();
    const once = failingAt(6, () => {
      throw new WorldError("disk-full", "could not write x: the disk is full", "free some space");
    });
    const files = { ...once.files, remove: nodeFiles.remove };
    expect(() => saveCheckpoint(files, run, checkpoint(3))).toThrow(
      `the checkpoint of step 3 is lost: could not write x: the disk is full; the checkpoint of step 2 is intact: ${run}/checkpoints/step-00000002`,
    );
    expect(existsSync(`${run}/checkpoints/.writing-step-00000003`)).toBe(false);
  });
});

test("the first checkpoint of a run, killed, leaves none rather than a part", () => {
  const stops = stopsOf((files) => saveCheckpoint(files, temporaryFolder(), checkpoint(1)));
  const found = Array.from({ length: stops }, (_, at) => {
    const run = temporaryFolder();
    expect(() => saveCheckpoint(failingAt(at, kill).files, run, checkpoint(1))).toThrow("killed");
    return latestCheckpoint(nodeFiles, run)?.step ?? null;
  });
  expect(new Set(found)).toEqual(new Set([null, 1]));
});

test("checkpoint.json can be read by a person", () => {
  const path = saveCheckpoint(nodeFiles, temporaryFolder(), checkpoint(3));
  expect(JSON.parse(readFileSync(`${path}/checkpoint.json`, "utf8"))).toMatchObject({
    format: 1,
    step: 3,
    info: { spec: "recipe r {}" },
  });
});
