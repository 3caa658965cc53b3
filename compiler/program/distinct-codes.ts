// Kernels -> code, made once for all kernels of equal structure.
import { buffersOf } from "../kernels/kernel-buffers.ts";
import { kernelKey } from "../kernels/kernel-key.ts";
import type { Buffer, Kernel } from "../kernels/kernel.ts";
import { smallerStep } from "./arena-space.ts";
import { elementBytes } from "./limits.ts";
import type { Limits } from "./limits.ts";
import { LimitError } from "./target.ts";
import type { GeneratedKernel, Target } from "./target.ts";

/** Code of distinct kernels, in order of first use. */
export class DistinctCodes {
  readonly generated: GeneratedKernel[] = [];
  /** By structure: its code, and which of the kernel's buffers each place is that the code expects. */
  private readonly byStructure = new Map<string, { readonly code: number; readonly order: readonly number[] }>(); // prettier-ignore
  private readonly byKey = new Map<string, number>();
  readonly limits: Limits;
  readonly target: Target;

  constructor(target: Target, limits: Limits) {
    this.target = target;
    this.limits = limits;
  }

  generate(
    kernel: Kernel,
    buffers: readonly Buffer[],
  ): { readonly code: number; readonly order: readonly number[] } {
    this.checkArrays(kernel, buffers);
    const order = buffersOf(kernel);
    const structure = kernelKey(kernel, order, buffers);
    let known = this.byStructure.get(structure);
    if (known === undefined) {
      const made = this.made(kernel, buffers);
      known = { code: this.numberOf(made), order: made.order.map((id) => order.indexOf(id)) };
      this.byStructure.set(structure, known);
    }
    return { code: known.code, order: known.order.map((place) => order[place]!) };
  }

  /** A generator knows no places: what breaks a limit there is this kernel. */
  private made(kernel: Kernel, buffers: readonly Buffer[]): GeneratedKernel {
    try {
      return this.target.generate(kernel, buffers, this.limits);
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      throw new LimitError({ ...error.broken, what: `\`${kernel.label}\``, origin: kernel.origin });
    }
  }

  private numberOf(made: GeneratedKernel): number {
    const known = made.key === undefined ? undefined : this.byKey.get(made.key);
    if (known !== undefined) return known;
    if (made.key !== undefined) this.byKey.set(made.key, this.generated.length);
    return this.generated.push(made) - 1;
  }

  private checkArrays(kernel: Kernel, buffers: readonly Buffer[]): void {
    const allowed = Math.min(this.limits.bindingBytes, this.target.largestArrayBytes);
    for (const id of buffersOf(kernel)) {
      const { length, dtype } = buffers[id]!;
      const bytes = length * elementBytes(dtype, this.target.name);
      if (bytes > allowed)
        throw new LimitError({
          limit: "bindingBytes",
          what: `an array of \`${kernel.label}\``,
          needs: bytes,
          allowed,
          origin: kernel.origin,
          help: smallerStep,
        });
    }
  }
}
