import { afterEach, describe, expect, test } from "vitest";
import { sincos2d } from "../../../compiler/ops/generators/sincos-2d.ts";
import type { Axis } from "../../../compiler/kernels/kernel.ts";
import type { Program } from "../../../compiler/program/program.ts";
import { wasmMemoryBytes } from "../../../compiler/wasm/memory-layout.ts";
import { createWasmDevice } from "../../../runtime/device/wasm.ts";
import type { WasmDevice } from "../../../runtime/device/wasm.ts";
import {
  apply,
  axes,
  i,
  load,
  loopKernel,
  noise,
  number,
} from "../../compiler/wasm/kernel-notation.ts";
import { programOf } from "../../compiler/wasm/run-kernels.ts";

const opened: WasmDevice[] = [];
async function device(options: Parameters<typeof createWasmDevice>[0]): Promise<WasmDevice> {
  const made = await createWasmDevice(options);
  opened.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

const length = 5000;

/** x becomes 2 x + 1, then its exponential goes to y, then y is copied to z. */
function small(): Program {
  const [a] = axes(length) as [Axis];
  const twice = apply("add", [apply("multiply", [load(0, i(a)), number(2)]), number(1)]);
  const store = (buffer: number, value: ReturnType<typeof load>) =>
    loopKernel([a], [], [{ kind: "store", over: "grid", store: { buffer, index: i(a), value } }]);
  const zeros = { values: Array.from({ length: length }, () => 0) };
  const program = programOf({
    buffers: [zeros, zeros, zeros],
    kernels: [store(0, twice), store(1, apply("exp", [load(0, i(a))]))],
  });
  const [x, y, z] = program.residents.map((slot) => slot.place);
  const [main] = program.entries;
  return {
    ...program,
    entries: [
      {
        name: "main",
        steps: [...main!.steps, { kind: "copy", from: y!, to: z!, bytes: length * 4 }],
        inputs: [{ name: "x", dtype: "f32", shape: [length], place: x! }],
        outputs: [{ name: "z", dtype: "f32", shape: [length], place: z! }],
      },
    ],
  };
}

const x = Float32Array.from(noise(length));
const inputs = new Map([["x", x]]);

describe("a loaded program", () => {
  test.each([1, 2, 5])(
    "runs its steps in order on %i threads, thousands of times",
    async (threads) => {
      const loaded = await (await device({ threads })).load(small());
      for (let run = 0; run < 2000; run++) {
        loaded.run("main", run === 0 ? inputs : new Map());
        if (run === 0) {
          const z = await loaded.readOutput("main", "z");
          x.forEach((value, at) => expect(z[at]).toBeCloseTo(Math.exp(2 * value + 1), 4));
        }
      }
      // x -> 2 x + 1 two thousand times is infinite: the runs really followed on each other.
      expect((await loaded.readOutput("main", "z")).every((z) => z === Infinity || z === 0)).toBe(
        true,
      );
      loaded.close();
    },
  );

  test("allocates what the plan says, once", async () => {
    const program = small();
    const loaded = await (await device({ threads: 2 })).load(program);
    expect(loaded.allocatedBytes).toBe(wasmMemoryBytes(program, 2));
    for (let run = 0; run < 100; run++) loaded.run("main", inputs);
    expect(loaded.allocatedBytes).toBe(wasmMemoryBytes(program, 2));
  });

  test("fills tables when it is loaded", async () => {
    const settings = { rows: 2, cols: 3, width: 8 };
    const shape = sincos2d.shape(settings);
    const program = small();
    const place = program.residents[2]!.place;
    const loaded = await (
      await device({ threads: 1 })
    ).load({
      ...program,
      tables: [{ name: "positions", dtype: "f32", shape, place, generator: "sincos_2d", settings }],
    });
    const values = await loaded.readResident("2");
    expect(values.slice(0, 48)).toEqual(Float32Array.from(sincos2d.fill(settings)).slice(0, 48));
  });

  test("two programs take turns on the same threads", async () => {
    const shared = await device({ threads: 2 });
    const [first, second] = [await shared.load(small()), await shared.load(small())];
    for (let turn = 0; turn < 20; turn++)
      for (const loaded of [first, second]) {
        loaded.run("main", inputs);
        expect((await loaded.readOutput("main", "z"))[7]).toBeCloseTo(Math.exp(2 * x[7]! + 1), 4);
      }
  });

  test("reports the time of each step", async () => {
    const loaded = await (await device({ threads: 2 })).load(small());
    loaded.run("main", inputs);
    const times = await loaded.profile("main");
    expect(times).toHaveLength(3);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
    const twice = await (await device({ threads: 2 })).load(small());
    for (let run = 0; run < 2; run++) twice.run("main", run === 0 ? inputs : new Map());
    expect(await loaded.readOutput("main", "z")).toEqual(await twice.readOutput("main", "z"));
  });

  test("refuses arrays of another size or type, unknown names, and runs after close", async () => {
    const loaded = await (await device({ threads: 1 })).load(small());
    expect(() => loaded.writeResident("0", new Float32Array(3))).toThrow("`0` holds 5000 f32");
    expect(() => loaded.writeResident("0", new Int32Array(length))).toThrow("Int32Array");
    expect(() => loaded.writeResident("weights", x)).toThrow("no resident array `weights`");
    expect(() => loaded.run("train", new Map())).toThrow("no entry `train`");
    expect(() => loaded.run("main", new Map([["y", x]]))).toThrow("no input `y`");
    loaded.close();
    expect(() => loaded.run("main", inputs)).toThrow("closed");
  });
});

describe("threads", () => {
  test("their number comes from the option, else from VITRAIL_THREADS, else from the cores", async () => {
    process.env["VITRAIL_THREADS"] = "3";
    expect((await device({})).threads).toBe(3);
    expect((await device({ threads: 2 })).threads).toBe(2);
    process.env["VITRAIL_THREADS"] = "many";
    await expect(createWasmDevice()).rejects.toThrow("whole number from 1 to 256, not many");
    delete process.env["VITRAIL_THREADS"];
    expect((await device({})).threads).toBeGreaterThanOrEqual(1);
  });

  test("a thread that has ended makes an error, not a wait without end", async () => {
    const broken = await device({ threads: 2, patienceSeconds: 0.5 });
    const loaded = await broken.load(small());
    loaded.run("main", inputs);
    await broken.close();
    expect(() => loaded.run("main", inputs)).toThrow("closed");
  });

  test("a thread that does not answer makes an error after a while", async () => {
    const other = await device({ threads: 2, patienceSeconds: 0.5 });
    const [loaded, elsewhere] = [await other.load(small()), await other.load(small())];
    // The thread waits at another program's memory, as a lost one would.
    loaded.attachment = (thread) => elsewhere.attachment(thread);
    expect(() => loaded.run("main", inputs)).toThrow("a compute thread of the wasm device ended");
    expect(() => loaded.run("main", inputs)).toThrow("a compute thread of the wasm device ended");
  });

  test("a trap in another thread ends the run with an error", async () => {
    const other = await device({ threads: 2, patienceSeconds: 5 });
    const program = small();
    const [step] = program.entries[0]!.steps;
    if (step?.kind !== "dispatch") throw new Error("expected a dispatch");
    const outside = program.arenas[0]!.bytes + 2 ** 30;
    const entry = {
      ...program.entries[0]!,
      steps: [{ ...step, places: [{ arena: 0, offset: outside }] }],
    };
    const loaded = await other.load({ ...program, entries: [entry] });
    expect(() => loaded.run("main", new Map())).toThrow();
    expect(() => loaded.run("main", new Map())).toThrow();
  });
});
