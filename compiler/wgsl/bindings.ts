// The body of a kernel and the arenas in which its buffers lie -> a whole shader.
// WebGPU refuses two bindings of one buffer that overlap or of which one is read-only, so each arena is bound once,
// whole, and the offsets of the kernel's buffers come in a small uniform. Kernels of one shape share their text as long
// as their buffers lie in arenas in the same pattern.
// An arena that a kernel reads four elements at a time is an array of vectors, unless the kernel writes to it too: a
// write to one element of a vector may write the others.
import type { Place } from "../program/program.ts";
import { usesSubgroups } from "./subgroups.ts";

export interface BoundShader {
  readonly wgsl: string;
  /** Arena numbers in the order of their bindings, from binding 1 on; binding 0 has the offsets. */
  readonly arenas: readonly number[];
  /** Whether any invocation writes the arena, in the same order. */
  readonly isWritten: readonly boolean[];
}

/** Elements are four bytes, or two in an arena of halves; offsets are counted in elements. Padded to whole vec4u. */
export function offsetWords(places: readonly Place[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(4 * Math.max(1, Math.ceil(places.length / 4)));
  places.forEach(({ offset, isHalf }, slot) => (words[slot] = offset / (isHalf ? 2 : 4)));
  return words;
}

/** What of a list of places a shader's text depends on: arenas, and which places begin at whole vectors. */
export function placePattern(places: readonly Place[]): string {
  return places.map((place) => `${place.arena}${isAtVector(place) ? "v" : ""}`).join(" ");
}

function isAtVector({ offset, isHalf }: Place): boolean {
  return offset % (isHalf ? 8 : 16) === 0;
}

/** An arena as a shader declares it. */
interface Binding {
  readonly arena: number;
  readonly isWritten: boolean;
  readonly isHalf: boolean;
  readonly element: "u32" | "f16" | "vec4u" | "vec4h";
}

export function bindArenas(body: string, places: readonly Place[]): BoundShader {
  const arenas = [...new Set(places.map((place) => place.arena))];
  const bindings = arenas.map((arena) => bindingOf(body, places, arena));
  const head = [
    bindings.some(({ isHalf }) => isHalf) ? "enable f16;" : "",
    usesSubgroups(body) ? "enable subgroups;" : "",
    `@group(0) @binding(0) var<uniform> offsets: array<vec4u, ${offsetWords(places).length / 4}>;`,
    ...bindings.map(
      ({ isWritten, element }, at) =>
        `@group(0) @binding(${at + 1}) var<storage, ${isWritten ? "read_write" : "read"}> arena${at}: array<${element === "vec4h" ? "vec4<f16>" : element}>;`,
    ),
    ...places.flatMap((place, slot) => {
      const at = arenas.indexOf(place.arena);
      return accessors(body, slot, `arena${at}`, bindings[at]!.element, isAtVector(place));
    }),
  ];
  return {
    wgsl: `${head.filter((line) => line !== "").join("\n")}\n${body}`,
    arenas,
    isWritten: bindings.map(({ isWritten }) => isWritten),
  };
}

function bindingOf(body: string, places: readonly Place[], arena: number): Binding {
  const slots = [...places.entries()].filter(([, place]) => place.arena === arena);
  const isWritten = slots.some(([slot]) => body.includes(`store${slot}(`));
  const hasVectors = slots.some(
    ([slot, place]) => body.includes(`quad${slot}(`) && isAtVector(place),
  );
  const isHalf = slots.some(([, place]) => place.isHalf === true);
  const isVector = hasVectors && !isWritten;
  const element = isVector ? (isHalf ? "vec4h" : "vec4u") : isHalf ? "f16" : "u32";
  return { arena, isWritten, isHalf, element };
}

function accessors(
  body: string,
  slot: number,
  arena: string,
  element: Binding["element"],
  isAtVector: boolean,
): string[] {
  const at = `offsets[${slot >> 2}].${"xyzw"[slot & 3]} + u32(index)`;
  const lines: string[] = [];
  if (body.includes(`load${slot}(`))
    lines.push(`fn load${slot}(index: i32) -> u32 { ${loaded(arena, element, at)} }`);
  if (body.includes(`quad${slot}(`)) {
    const isWhole = (element === "vec4u" || element === "vec4h") && isAtVector;
    const whole = `${arena}[(${at}) / 4u]`;
    lines.push(`const vectors${slot} = ${isWhole};`);
    lines.push(
      isWhole
        ? `fn quad${slot}(index: i32) -> vec4u { return ${element === "vec4h" ? `bitcast<vec4u>(vec4f(${whole}))` : whole}; }`
        : `fn quad${slot}(index: i32) -> vec4u { return vec4u(${[0, 1, 2, 3].map((i) => `load${slot}(index + ${i})`).join(", ")}); }`,
    );
  }
  // What lies in an arena of halves is a half already: neither way changes its value.
  if (body.includes(`store${slot}(`))
    lines.push(
      `fn store${slot}(index: i32, bits: u32) { ${arena}[${at}] = ${element === "f16" ? "f16(bitcast<f32>(bits))" : "bits"}; }`,
    );
  return lines;
}

function loaded(arena: string, element: Binding["element"], at: string): string {
  switch (element) {
    case "u32":
      return `return ${arena}[${at}];`;
    case "f16":
      return `return bitcast<u32>(f32(${arena}[${at}]));`;
    case "vec4u":
      return `let at = ${at}; return ${arena}[at / 4u][at % 4u];`;
    case "vec4h":
      return `let at = ${at}; return bitcast<u32>(f32(${arena}[at / 4u][at % 4u]));`;
  }
}
