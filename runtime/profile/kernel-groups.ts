// The steps of a profile -> its kernels, equal layers together: what is worth making faster, largest first.
import type { ProfiledStep } from "./profile.ts";

/** Sums over its steps; their numbers in a path are `*`. */
export interface KernelGroup extends ProfiledStep {
  readonly count: number;
}

export function kernelGroups(steps: readonly ProfiledStep[]): KernelGroup[] {
  const groups = new Map<string, ProfiledStep[]>();
  for (const step of steps) {
    const key = [step.kind, step.label, layersTogether(step.path), step.phase].join("\n");
    groups.set(key, [...(groups.get(key) ?? []), step]);
  }
  return [...groups.values()].map(together).sort((one, other) => other.ms - one.ms);
}

/** `layers.3.mlp` is `layers.*.mlp`. */
export function layersTogether(path: string): string {
  return path.replace(/(^|\.)\d+(?=\.|$)/g, "$1*");
}

function together(steps: readonly ProfiledStep[]): KernelGroup {
  const sum = (of: (step: ProfiledStep) => number) => steps.reduce((total, step) => total + of(step), 0); // prettier-ignore
  const ms = sum((step) => step.ms);
  const longest = steps.reduce((one, other) => (other.ms > one.ms ? other : one));
  return {
    ...longest,
    path: layersTogether(longest.path),
    ms,
    flops: sum((step) => step.flops),
    bytes: sum((step) => step.bytes),
    ofPeak: ms > 0 ? sum((step) => step.ofPeak * step.ms) / ms : 0,
    count: steps.length,
  };
}
