// Places of the tables that kernels read, made by generators when a program is loaded.
import type { DType } from "../graph/graph.ts";
import type { Buffer } from "../kernels/kernel.ts";
import type { ArenaSpace } from "./arena-space.ts";
import { arrayBytes } from "./limits.ts";
import type { Place, TableSlot } from "./program.ts";

/** Tables by generator and settings: equal ones are made once. */
export class TablePlaces {
  readonly slots: TableSlot[] = [];
  private readonly known = new Map<string, Place>();
  private readonly space: ArenaSpace;

  constructor(space: ArenaSpace) {
    this.space = space;
  }

  place(role: Extract<Buffer["role"], { kind: "table" }>, dtype: DType): Place {
    const key = JSON.stringify([role.generator, role.settings, role.shape, dtype]);
    const known = this.known.get(key);
    if (known) return known;
    const name = `${role.generator}.${this.slots.length}`;
    const place = this.space.add(
      "table",
      arrayBytes({ shape: role.shape, dtype }, this.space.target),
      () => `the table \`${role.generator}\``,
    );
    this.slots.push({
      name,
      dtype,
      shape: role.shape,
      place,
      generator: role.generator,
      settings: role.settings,
    });
    this.known.set(key, place);
    return place;
  }
}
