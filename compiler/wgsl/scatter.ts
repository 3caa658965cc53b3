// A scatter-add -> WGSL, without atomics: whoever owns an output element looks for the indices that name its position,
// in order. With few inner elements one invocation owns one output element and walks all indices.
// Otherwise a workgroup owns one (outer, position): its invocations first compare 32 indices each into a bit mask,
// then all of them walk the set bits, each adding up its own inner elements.
import type { ScatterKernel } from "../kernels/kernel.ts";
import type { Limits } from "../program/limits.ts";
import type { KernelText } from "./kernel-text.ts";
import type { KernelShape } from "./loop-kernel.ts";
import { blockNumber, foldWorkgroups } from "./workgroups.ts";

const WIDE_INNER = 16;

export function writeScatter(text: KernelText, kernel: ScatterKernel, limits: Limits): KernelShape {
  return kernel.inner < WIDE_INNER
    ? writeNarrow(text, kernel, limits)
    : writeWide(text, kernel, limits);
}

function writeNarrow(text: KernelText, kernel: ScatterKernel, limits: Limits): KernelShape {
  const { outer, count, size, inner } = kernel;
  const threads = 64;
  const elements = outer * size * inner;
  const blocks = Math.ceil(elements / threads);
  const workgroups = foldWorkgroups(blocks, limits);
  blockNumber(text, blocks, workgroups);
  text.line(`let element = block * ${threads} + local;`);
  if (elements % threads !== 0) text.line(`if (element >= ${elements}) { return; }`);
  text.line(`let within = element % ${inner};`);
  text.line(`let position = (element / ${inner}) % ${size};`);
  text.line(`let first = element / ${inner * size} * ${count};`);
  text.line("var sum = 0.0;");
  text.block(`for (var i = 0; i < ${count}; i++)`, () => {
    text.block(`if (${text.load(kernel.indices, "first + i")} == position)`, () =>
      text.line(`sum += ${text.load(kernel.values, `(first + i) * ${inner} + within`)};`),
    );
  });
  text.store(kernel.output, "element", "sum");
  return { threads, workgroups };
}

function writeWide(text: KernelText, kernel: ScatterKernel, limits: Limits): KernelShape {
  const { outer, count, size, inner } = kernel;
  const threads = Math.min(
    limits.workgroupInvocations,
    inner <= 64 ? 64 : inner <= 128 ? 128 : 256,
  );
  const blocks = outer * size;
  const workgroups = foldWorkgroups(blocks, limits);
  blockNumber(text, blocks, workgroups);
  text.declare(`var<workgroup> masks: array<u32, ${threads}>;`);
  text.line(`let position = block % ${size};`);
  text.line(`let first = block / ${size} * ${count};`);
  text.block(`for (var start = 0; start < ${inner}; start += ${threads})`, () => {
    text.line(`let within = start + local;`);
    text.line("var sum = 0.0;");
    text.block(`for (var chunk = 0; chunk < ${count}; chunk += ${threads * 32})`, () => {
      writeMask(text, kernel);
      text.line("masks[local] = mask;");
      text.line("workgroupBarrier();");
      if (inner % threads === 0) writeSum(text, kernel, threads);
      else text.block(`if (within < ${inner})`, () => writeSum(text, kernel, threads));
      text.line("workgroupBarrier();");
    });
    const write = (): void => text.store(kernel.output, `block * ${inner} + within`, "sum");
    if (inner % threads === 0) write();
    else text.block(`if (within < ${inner})`, write);
  });
  return { threads, workgroups };
}

/** Bit i of `mask` says whether index 32 * local + i of the chunk names this position. */
function writeMask(text: KernelText, { count, indices }: ScatterKernel): void {
  text.line("var mask = 0u;");
  text.line("let begin = chunk + local * 32;");
  text.block(`for (var bit = 0; bit < min(32, ${count} - begin); bit++)`, () =>
    text.line(
      `mask |= select(0u, 1u << u32(bit), ${text.load(indices, "first + begin + bit")} == position);`,
    ),
  );
}

function writeSum(
  text: KernelText,
  { count, inner, values }: ScatterKernel,
  threads: number,
): void {
  const groups = Math.min(threads, Math.ceil(count / 32));
  text.block(`for (var word = 0; word < ${groups}; word++)`, () => {
    text.line("var left = masks[word];");
    text.block("while (left != 0u)", () => {
      text.line("let i = first + chunk + word * 32 + i32(countTrailingZeros(left));");
      text.line(`sum += ${text.load(values, `i * ${inner} + within`)};`);
      text.line("left &= left - 1u;");
    });
  });
}
