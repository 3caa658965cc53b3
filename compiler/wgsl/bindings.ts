// The body of a kernel and the arenas in which its buffers lie -> a whole shader.
// WebGPU refuses two bindings of one buffer that overlap or of which one is read-only, so each arena is bound once,
// whole, and the offsets of the kernel's buffers come in a small uniform. Kernels of one shape share their text as long
// as their buffers lie in arenas in the same pattern.
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

export function bindArenas(body: string, places: readonly Place[]): BoundShader {
  const arenas = [...new Set(places.map((place) => place.arena))];
  const isWritten = arenas.map((arena) =>
    places.some((place, slot) => place.arena === arena && body.includes(`store${slot}(`)),
  );
  const halves = new Set(places.flatMap(({ arena, isHalf }) => (isHalf ? [arena] : [])));
  const head = [
    halves.size > 0 ? "enable f16;" : "",
    usesSubgroups(body) ? "enable subgroups;" : "",
    `@group(0) @binding(0) var<uniform> offsets: array<vec4u, ${offsetWords(places).length / 4}>;`,
    ...arenas.map(
      (arena, at) =>
        `@group(0) @binding(${at + 1}) var<storage, ${isWritten[at] ? "read_write" : "read"}> arena${at}: array<${halves.has(arena) ? "f16" : "u32"}>;`,
    ),
    ...places.map(({ arena, isHalf }, slot) =>
      accessors(body, slot, arenas.indexOf(arena), isHalf === true),
    ),
  ];
  return { wgsl: `${head.filter((line) => line !== "").join("\n")}\n${body}`, arenas, isWritten };
}

/** What lies in an arena of halves is a half already: neither way changes its value. */
function accessors(body: string, slot: number, arena: number, isHalf: boolean): string {
  const element = `arena${arena}[offsets[${slot >> 2}].${"xyzw"[slot & 3]} + u32(index)]`;
  const lines: string[] = [];
  if (body.includes(`load${slot}(`))
    lines.push(
      `fn load${slot}(index: i32) -> u32 { return ${isHalf ? `bitcast<u32>(f32(${element}))` : element}; }`,
    );
  if (body.includes(`store${slot}(`))
    lines.push(
      `fn store${slot}(index: i32, bits: u32) { ${element} = ${isHalf ? "f16(bitcast<f32>(bits))" : "bits"}; }`,
    );
  return lines.join("\n");
}
