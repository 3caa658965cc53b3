// Functions of dataflow that only recipes need, beside the intrinsics of models.
import type { Intrinsic, IntrinsicCall } from "../lower/intrinsic.ts";
import { intrinsic, make, shapeOf, stopWith, valueOf } from "../lower/intrinsics/arguments.ts";
import { elementsOf, tensor } from "../lower/value.ts";
import type { Value } from "../lower/value.ts";

/** Texts as rows of bytes (UTF-8), zeros after their end: constants that a tower over bytes can be asked about. */
const bytes = intrinsic(
  "bytes",
  "texts as rows of bytes, zeros after their end",
  ["texts", "shape"],
  (call) => {
    const texts = elementsOf(valueOf(call, "texts")) ?? [];
    const axes = shapeOf(call, "shape", 2);
    const [rows, width] = axes.map((axis) => axis.size) as [number, number];
    if (texts.length !== rows)
      return refuse(call, `${texts.length} texts do not make ${rows} rows`);
    const values: number[] = [];
    for (const text of texts) {
      const encoded = text.kind === "string" ? new TextEncoder().encode(text.value) : undefined;
      if (!encoded) return refuse(call, "texts in quotes are needed");
      if (encoded.length > width)
        return refuse(
          call,
          `${JSON.stringify((text as { value: string }).value)} is longer than ${width} bytes`,
        );
      values.push(...encoded, ...Array.from({ length: width - encoded.length }, () => 0));
    }
    return tensor(
      make(call, () => call.evaluator.builder.values(values, [rows, width], "i32")),
      axes,
    );
  },
);

function refuse(call: IntrinsicCall, message: string): Value {
  const diagnostic = {
    severity: "error",
    code: "wrong-arguments",
    message: `\`bytes\`: ${message}`,
    span: call.at,
  } as const;
  return stopWith(call.evaluator.fail(diagnostic, call.scope));
}

export const recipeFunctions: ReadonlyMap<string, Intrinsic> = new Map(
  [bytes].map((entry) => [entry.name, entry]),
);
