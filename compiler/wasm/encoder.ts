// Function bodies -> the bytes of a WebAssembly module.
// One imported shared memory (`env.memory`), one table with all kernels in order, functions exported by name.
import { localTypes } from "./function-builder.ts";
import type { FunctionBody, Signature } from "./function-builder.ts";
import { unsigned, valueTypeByte } from "./opcodes.ts";

export interface ModuleFunction {
  readonly name: string;
  readonly body: FunctionBody;
  readonly exported: boolean;
}

export interface ModuleParts {
  readonly functions: readonly ModuleFunction[];
  /** Names of functions, in the order of the table that `callIndirect` reads. All of type 0. */
  readonly table: readonly string[];
  /** The signature that becomes type 0. */
  readonly tableSignature: Signature;
  /** Largest memory that may be imported, in pages of 64 KiB. */
  readonly maximumPages: number;
}

/** The whole binary module. */
export function encodeModule(parts: ModuleParts): Uint8Array<ArrayBuffer> {
  const types = new TypeList(parts.tableSignature);
  const typeNumbers = parts.functions.map(({ body }) => types.numberOf(body.signature));
  const numbers = new Map(parts.functions.map(({ name }, number) => [name, number]));
  const numberOf = (name: string): number => {
    const number = numbers.get(name);
    if (number === undefined) throw new Error(`module has no function ${name}`);
    return number;
  };
  const exported = parts.functions.filter((entry) => entry.exported);
  const sections = [
    section(1, vector(types.all.map(functionType))),
    section(2, vector([memoryImport(parts.maximumPages)])),
    section(3, vector(typeNumbers.map(unsigned))),
    section(
      4,
      vector([[0x70, 0x01, ...unsigned(parts.table.length), ...unsigned(parts.table.length)]]),
    ),
    section(
      7,
      vector(exported.map(({ name }) => [...text(name), 0x00, ...unsigned(numberOf(name))])),
    ),
    section(
      9,
      vector([
        [0x00, 0x41, 0x00, 0x0b, ...vector(parts.table.map((name) => unsigned(numberOf(name))))],
      ]),
    ),
    section(10, vector(parts.functions.map(({ body }) => functionCode(body, numberOf)))),
  ];
  return concatenate([[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], ...sections]);
}

type Bytes = Uint8Array | readonly number[];

class TypeList {
  readonly all: Signature[];
  constructor(first: Signature) {
    this.all = [first];
  }
  numberOf(signature: Signature): number {
    const key = (of: Signature): string => `${of.parameters.join()}>${of.results.join()}`;
    const known = this.all.findIndex((other) => key(other) === key(signature));
    if (known >= 0) return known;
    this.all.push(signature);
    return this.all.length - 1;
  }
}

function functionType({ parameters, results }: Signature): number[] {
  const bytes = (types: Signature["parameters"]): number[][] =>
    types.map((type) => [valueTypeByte[type]]);
  return [0x60, ...vector(bytes(parameters)), ...vector(bytes(results))];
}

function memoryImport(maximumPages: number): number[] {
  const isSharedWithMaximum = 0x03;
  return [
    ...text("env"),
    ...text("memory"),
    0x02,
    isSharedWithMaximum,
    ...unsigned(0),
    ...unsigned(maximumPages),
  ];
}

function functionCode(body: FunctionBody, numberOf: (name: string) => number): Uint8Array {
  const locals = localTypes(body);
  const size = unsigned(locals.length + body.bytes.length);
  const code = concatenate([size, locals, body.bytes]);
  const start = size.length + locals.length;
  for (const { at, name } of body.calls) code.set(fiveBytes(numberOf(name)), start + at);
  return code;
}

/** LEB128 padded to five bytes, to fill a place left open. */
function fiveBytes(value: number): number[] {
  return [0, 7, 14, 21, 28].map((shift) => ((value >>> shift) & 0x7f) | (shift < 28 ? 0x80 : 0));
}

function text(value: string): number[] {
  const bytes = [...value].map((character) => character.charCodeAt(0));
  return [...unsigned(bytes.length), ...bytes];
}

function vector(items: readonly Bytes[]): Uint8Array {
  return concatenate([unsigned(items.length), ...items]);
}

function section(id: number, content: Bytes): Uint8Array {
  return concatenate([[id], unsigned(content.length), content]);
}

function concatenate(parts: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
