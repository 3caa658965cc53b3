// ONNX Runtime (native, CPU) as a peer: `node bench/peers/onnx-runtime.mjs`. Forward only. The graph is exported from
// the PyTorch peer's own module by `onnx-export.py`, which needs PyTorch and the package onnx.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Cannot, readTensors, serve } from "./files.mjs";

const require = createRequire(import.meta.url);

await serve(async (request) => {
  const { workload, batch, threads, weights } = request;
  if (workload.kind === "train") throw new Cannot("ONNX Runtime does not train");
  const python = process.env.VITRAIL_BENCH_PYTHON;
  if (!python)
    throw new Cannot(
      "VITRAIL_BENCH_PYTHON names no Python with torch and onnx to export the graph",
    );
  const path = weights.replace(/weights\.safetensors$/, "model.onnx");
  const script = new URL("onnx-export.py", import.meta.url).pathname;
  const made = spawnSync(python, [script, path], {
    input: JSON.stringify(request),
    encoding: "utf8",
  });
  if (made.status !== 0)
    throw new Cannot(`the graph was not exported: ${made.stderr.trim().split("\n").at(-1)}`);
  const ort = require("onnxruntime-node");
  const session = await ort.InferenceSession.create(path, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const { shape, values } = readTensors(batch).get("image");
  // One channel: channels first and last are the same numbers.
  const image = new ort.Tensor("float32", values, [shape[0], shape[3], shape[1], shape[2]]);
  const { version } = JSON.parse(
    readFileSync(new URL("node_modules/onnxruntime-node/package.json", import.meta.url), "utf8"),
  );
  return {
    version: `ONNX Runtime ${version}, CPU`,
    run: async () => {
      const { output } = await session.run({ image });
      return output.data.reduce((sum, each) => sum + each * each, 0);
    },
  };
});
