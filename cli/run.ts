// `vit run FILE:NAME@VARIANT --weights W --inputs IN --out OUT`: a model's named outputs from named inputs, in evaluation
// form, so that anyone can hold it against another library. OUT takes its place in one step, once it is whole.
import { readSafetensors } from "../runtime/checkpoint/safetensors.ts";
import { writeWhole } from "../runtime/checkpoint/write-whole.ts";
import { catalog } from "../runtime/data/catalog.ts";
import { openChosenDevice } from "../runtime/device/chosen-device.ts";
import { WorldError } from "../runtime/errors.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles } from "../runtime/host/node-specs.ts";
import { runSpec } from "../runtime/spec/run-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { exit } from "./exit-codes.ts";
import { table } from "./table.ts";
import { colors, say, sayJson } from "./terminal.ts";

export interface RunOptions {
  readonly weights: string;
  readonly inputs: string;
  readonly out: string;
  readonly net?: string;
  readonly as?: string;
  readonly set?: Readonly<Record<string, string>>;
  readonly device?: string;
  readonly json?: boolean;
}

export async function run(text: string, options: RunOptions): Promise<number> {
  const { files } = nodeHost;
  if (!files.exists(options.inputs))
    throw new WorldError("missing-file", `there is no file ${options.inputs}`, "check --inputs");
  const { tensors: inputs } = readSafetensors(files, options.inputs);
  const { weights, net, as, device: want } = options;
  const device = await openChosenDevice(want === undefined ? {} : { want });
  try {
    const outputs = await runSpec(
      {
        target: parseTarget(text),
        weights,
        inputs,
        ...(net === undefined ? {} : { net }),
        ...(as === undefined ? {} : { as }),
      },
      {
        options: { files: specFiles(), catalog: catalog(nodeHost), settings: options.set ?? {} },
        device,
        files,
      },
    );
    const made = [...outputs].map(([name, { dtype, shape, bytes }]) => [name, { dtype, shape, read: () => bytes }] as const); // prettier-ignore
    writeWhole(files, options.out, new Map(made), { format: "vitrail" });
    const shown = [...outputs].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
    if (options.json) {
      sayJson({ device: device.name, out: options.out, outputs: shown });
      return exit.fine;
    }
    const paint = colors();
    const rows = shown.map(({ name, dtype, shape }) => [
      paint.bold(name),
      `${dtype}[${shape.join(", ")}]`,
    ]);
    say(table(rows).join("\n"));
    say(paint.dim(`written to ${options.out}, computed on ${device.description}`));
    return exit.fine;
  } finally {
    await device.close();
  }
}
