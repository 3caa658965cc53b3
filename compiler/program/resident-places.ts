// The layout of residents -> a place for each flat array, and a slot for each of its parts.
import type { ResidentLayout } from "../compiled.ts";
import type { ArenaSpace } from "./arena-space.ts";
import { elementBytes } from "./limits.ts";
import type { Place, ResidentSlot } from "./program.ts";
import type { Target } from "./target.ts";

/** Groups are split at the limit: an array that is larger is one parameter, or what an optimizer keeps of it. */
function nameOfResident(layout: ResidentLayout, resident: string): string {
  const [part, ...others] = layout.parts.filter((each) => each.resident === resident);
  if (!part || others.length > 0) return `\`${resident}\``;
  return part.role === "parameter" ? `the parameter \`${part.path}\`` : `\`${part.path}\``;
}

export function placeResidents(layout: ResidentLayout, space: ArenaSpace): Map<string, Place> {
  return new Map(
    layout.residents.map(({ name, dtype, length }) => [
      name,
      space.add(
        "resident",
        length * elementBytes(dtype, space.target),
        () => nameOfResident(layout, name),
        "make its axes shorter, or cut it in two; no batch changes its size",
      ),
    ]),
  );
}

export function residentSlots(
  layout: ResidentLayout,
  places: ReadonlyMap<string, Place>,
  target: Target["name"],
): ResidentSlot[] {
  return layout.parts.map(
    ({ path, role, shape, dtype, initializer, trainable, resident, offset, panels }) => {
      const { arena, offset: start } = places.get(resident)!;
      const place = { arena, offset: start + offset * elementBytes(dtype, target) };
      const slot = { name: path, role, shape, dtype, initializer, trainable, place };
      return panels === undefined ? slot : { ...slot, panels };
    },
  );
}
