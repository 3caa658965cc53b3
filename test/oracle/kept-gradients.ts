// Spec files in which every optimizer also keeps the gradient that it was given, so that a test can read it: one state
// more, which nothing else reads.
import type { Files } from "../../compiler/model/load-library.ts";
import { specFiles } from "../../runtime/host/node-specs.ts";

/** The gradient by the parameter at PATH is the part `kept_gradient/PATH`. Where the recipe clips, it is clipped. */
export function filesKeepingGradients(): Files {
  const { read, shipped } = specFiles();
  return {
    read: (name) => {
      const text = read(name);
      return text === undefined ? undefined : keepingGradients(text);
    },
    shipped: new Map([...shipped].map(([name, text]) => [name, keepingGradients(text)])),
  };
}

/** `optimizer NAME(SETTINGS)(p, g, t, lr) {`, with g of any name. */
const head = /^optimizer\s+\w+\s*\([^{]*?\)\s*\(\s*\w+\s*,\s*(\w+)\s*,[^)]*\)\s*\{/gm;

function keepingGradients(text: string): string {
  return text.replace(
    head,
    (opening, gradient: string) =>
      `${opening}\n  state kept_gradient ~ zeros\n  next kept_gradient = ${gradient}\n`,
  );
}
