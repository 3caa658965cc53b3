// Functions that kernels call instead of carrying their code: rare or long ones. Hot ones (exp, tanh, erf) are inlined.
import { FunctionBuilder } from "./function-builder.ts";
import type { FunctionBody, FunctionReference, Local } from "./function-builder.ts";
import { atan2, cos, expm1, log1p, power, sin, threefry } from "./vector-math.ts";

interface LibraryFunction {
  readonly parameters: number;
  readonly build: (f: FunctionBuilder, ...operands: Local[]) => Local;
}

const unary = (build: (f: FunctionBuilder, x: Local) => Local): LibraryFunction => ({
  parameters: 1,
  build: (f, x) => build(f, x!),
});
const binary = (build: (f: FunctionBuilder, x: Local, y: Local) => Local): LibraryFunction => ({
  parameters: 2,
  build: (f, x, y) => build(f, x!, y!),
});

const functions = {
  sin: unary(sin),
  cos: unary(cos),
  log1p: unary(log1p),
  expm1: unary(expm1),
  power: binary(power),
  atan2: binary(atan2),
  threefry: {
    parameters: 3,
    build: (f, key0, key1, index) => threefry(f, key0!, key1!, index!),
  },
} as const satisfies { readonly [name: string]: LibraryFunction };

export type LibraryName = keyof typeof functions;

export function libraryReference(name: LibraryName): FunctionReference {
  return { name: `library.${name}`, result: "v128" };
}

/** Bodies of the library functions that `bodies` call, by name. */
export function libraryFor(
  bodies: readonly FunctionBody[],
  relaxed: boolean,
): { readonly name: string; readonly body: FunctionBody }[] {
  const called = new Set(bodies.flatMap((body) => body.calls.map((call) => call.name)));
  return Object.entries(functions)
    .filter(([name]) => called.has(`library.${name}`))
    .map(([name, entry]) => ({ name: `library.${name}`, body: libraryBody(entry, relaxed) }));
}

function libraryBody(entry: LibraryFunction, relaxed: boolean): FunctionBody {
  const parameters = Array.from({ length: entry.parameters }, () => "v128" as const);
  const f = new FunctionBuilder({ parameters, results: ["v128"] }, relaxed);
  f.push(entry.build(f, ...f.parameters));
  return f.finish();
}
