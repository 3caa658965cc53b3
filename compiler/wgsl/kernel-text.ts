// The WGSL text of one kernel while it is being written: lines with indentation, fresh names, the kernel's buffers
// in order of first use ("slots"), and the library functions and declarations that the body turned out to need.
// The body reaches memory only through `load<slot>(index) -> u32` and `store<slot>(index, bits)` and, for four elements
// at once, `quad<slot>(index) -> vec4u` (worth it where `vectors<slot>` is true); which arena each slot lies in is known
// after planning, so `bindings.ts` writes those functions when a program is loaded.
import type { DType } from "../graph/graph.ts";
import type { Buffer } from "../kernels/kernel.ts";
import type { HalfType } from "../ops/half.ts";
import { isHalf } from "../ops/half.ts";
import { fromBits, toBits } from "./dtype-text.ts";
import { libraryText, type LibraryFunction } from "./library.ts";

const typeNames: ReadonlySet<string> = new Set(["i32", "u32", "f32", "f16"]);

export class KernelText {
  private readonly lines: string[] = [];
  private readonly declarations = new Set<string>();
  private readonly functions = new Set<LibraryFunction>();
  private readonly slots = new Map<number, number>();
  private readonly buffers: readonly Buffer[];
  private depth = 1;
  private names = 0;

  constructor(buffers: readonly Buffer[]) {
    this.buffers = buffers;
  }

  line(text: string): void {
    this.lines.push("  ".repeat(this.depth) + text);
  }

  /** `header { ... }` around what `inside` writes. */
  block(header: string, inside: () => void): void {
    this.line(`${header} {`);
    this.depth++;
    inside();
    this.depth--;
    this.line("}");
  }

  /** A new immutable name for `value`. */
  define(prefix: string, value: string): string {
    const name = this.name(prefix);
    this.line(`let ${name} = ${value};`);
    return name;
  }

  name(prefix: string): string {
    const name = `${prefix}${this.names++}`;
    // `i32` is a type of the language
    return typeNames.has(name) ? this.name(prefix) : name;
  }

  /** A declaration at module scope, such as workgroup memory; the same one twice is one. */
  declare(text: string): void {
    this.declarations.add(text);
  }

  /** The name of a library function, which will be part of the text. */
  call(name: LibraryFunction): string {
    this.functions.add(name);
    return name;
  }

  /** The value of an element, in the WGSL type of the buffer's dtype. */
  load(buffer: number, index: string): string {
    return fromBits(`load${this.slot(buffer)}(${index})`, this.dtypeOf(buffer));
  }

  /** A condition, known when the program is loaded, that `loadVector` reads this buffer in one go. */
  readsVectors(buffer: number): string {
    return `vectors${this.slot(buffer)}`;
  }

  /** Four reals from `index` on, a multiple of four, as vec4f: in one go, or one by one. */
  loadVector(buffer: number, index: string): string {
    return `bitcast<vec4f>(quad${this.slot(buffer)}(${index}))`;
  }

  store(buffer: number, index: string, value: string): void {
    const dtype = this.dtypeOf(buffer);
    const rounded = isHalf(dtype) ? this.rounded(value, dtype) : value;
    this.line(`store${this.slot(buffer)}(${index}, ${toBits(rounded, dtype)});`);
  }

  /** The nearest half, as f32. */
  rounded(value: string, dtype: HalfType): string {
    return `${this.call(`round_${dtype}`)}(${value})`;
  }

  dtypeOf(buffer: number): DType {
    const dtype = this.buffers[buffer]?.dtype;
    if (dtype === undefined)
      throw new Error(`kernel uses buffer ${buffer}, which it was not given`);
    return dtype;
  }

  private slot(buffer: number): number {
    const known = this.slots.get(buffer);
    if (known !== undefined) return known;
    this.slots.set(buffer, this.slots.size);
    return this.slots.size - 1;
  }

  /** Buffer ids in the order in which the code numbers them. */
  get order(): readonly number[] {
    return [...this.slots.keys()];
  }

  /** Everything but the bindings: library, declarations and the entry point. */
  finish(threads: number): string {
    return [
      ...libraryText(this.functions),
      ...this.declarations,
      `@compute @workgroup_size(${threads})`,
      "fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) invocation: u32) {",
      ...this.lines,
      "}",
      "",
    ].join("\n");
  }
}
