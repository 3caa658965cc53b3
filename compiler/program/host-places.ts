// Places of what the host writes before a step or reads after it.
import type { ArenaSpace } from "./arena-space.ts";
import type { EntryKernels } from "./entry-kernels.ts";
import { arrayBytes } from "./limits.ts";
import type { Place, Slot } from "./program.ts";

/** Inputs of one name and type are shared by the entries. */
export class HostPlaces {
  private readonly known = new Map<string, Place>();
  private readonly space: ArenaSpace;

  constructor(space: ArenaSpace) {
    this.space = space;
  }

  slot(
    { name, shape, dtype }: EntryKernels["inputs"][number],
    kind: "input" | "output",
    entry: string,
  ): Slot {
    const key = JSON.stringify([kind, name, shape, dtype, kind === "output" ? entry : ""]);
    const place =
      this.known.get(key) ??
      this.space.add(
        "io",
        arrayBytes({ shape, dtype }, this.space.target),
        () => `${kind} \`${name}\``,
      );
    this.known.set(key, place);
    return { name, shape, dtype, place };
  }
}
