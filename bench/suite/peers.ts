// Who takes part: commands that start each peer. Whether a peer can do a workload on this machine it finds out itself
// and says so; a Python with torch is named by VITRAIL_BENCH_PYTHON.
import type { PeerCommand } from "./peer-process.ts";

export const peerFolder = new URL("../peers/", import.meta.url).pathname;

/** With several threads the suite also runs ourselves and PyTorch on one: in the same run, turn by turn. */
export function peerCommands(threads: number, wanted: string | undefined): PeerCommand[] {
  const typescript = ["node", "--import", "tsx"];
  const all = [
    ...[...new Set([threads, 1])].map((each) => peer("Vitrail, wasm", each, [...typescript, "vitrail.ts", "wasm"])), // prettier-ignore
    peer("Vitrail, WebGPU", undefined, [...typescript, "vitrail.ts", "webgpu"]),
    peer("jax-js, wasm", threads, ["node", "jax-js.mjs", "wasm"]),
    peer("jax-js, WebGPU", undefined, [...typescript, "jax-js.mjs", "webgpu"]),
    peer("TensorFlow.js, wasm", 1, ["node", "tensorflow-js.mjs", "wasm"]),
    peer("TensorFlow.js, cpu", 1, ["node", "tensorflow-js.mjs", "cpu"]),
    peer("TensorFlow.js, WebGPU", undefined, [...typescript, "tensorflow-js.mjs", "webgpu"]),
    peer("ONNX Runtime, native", threads, ["node", "onnx-runtime.mjs"]),
    ...[...new Set([threads, 1])].map((each) => pythonPeer("PyTorch, native", each, "cpu")),
    pythonPeer("PyTorch, CUDA", undefined, "cuda"),
  ];
  const names = wanted?.split(",").map((name) => name.trim().toLowerCase());
  return names ? all.filter(({ name }) => names.some((each) => name.toLowerCase().includes(each))) : all; // prettier-ignore
}

function peer(name: string, threads: number | undefined, command: readonly string[]): PeerCommand {
  const inFolder = command.map((word) =>
    /\.(ts|mjs)$/.test(word) ? `${peerFolder}${word}` : word,
  );
  return { name, ...(threads && { threads }), command: inFolder };
}

function pythonPeer(name: string, threads: number | undefined, device: string): PeerCommand {
  const python = process.env["VITRAIL_BENCH_PYTHON"];
  return python
    ? { name, ...(threads && { threads }), command: [python, `${peerFolder}pytorch.py`, device] }
    : {
        name,
        ...(threads && { threads }),
        missing: "VITRAIL_BENCH_PYTHON names no Python with torch",
      };
}
