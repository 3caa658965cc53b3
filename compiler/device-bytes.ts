// A program -> the bytes that its device allocates for it, all in all: what `vit compile` prints, what `recompute to` keeps
// to, and what the largest batch that fits is found by.
import type { Program } from "./program/program.ts";
import { wasmMemoryBytes } from "./wasm/memory-layout.ts";
import { webgpuBytes } from "./wgsl/device-memory.ts";

/** @param threads compute threads of wasm, each with scratch of its own */
export function deviceBytes(program: Program, threads: number): number {
  return program.target === "wasm" ? wasmMemoryBytes(program, threads) : webgpuBytes(program);
}
