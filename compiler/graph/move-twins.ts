// Twins of a net, its averages over the steps: decay * twin + (1 - decay) * net, for parameters a whole array at a time.
import type { ResidentLayout } from "../compiled.ts";
import type { Builder } from "./builder.ts";
import type { Node, Update } from "./graph.ts";
import { elementCount } from "./graph.ts";
import type { LoweredRecipe, Twin } from "./lowered.ts";
import type { PlacedGroup } from "./place-parts.ts";
import { residentLeaf } from "./resident-layout.ts";
import type { StepScalars } from "./step-scalars.ts";

export interface Moving {
  readonly recipe: LoweredRecipe;
  readonly groups: readonly PlacedGroup[];
  readonly layout: ResidentLayout;
  readonly scalars: StepScalars;
}

export interface MovedTwin {
  readonly resident: string;
  readonly value: Node;
  /** Of the resident. */
  readonly parts: ResidentLayout["parts"];
}

/** decay * twin + (1 - decay) * parameter, for each array of the twin. */
export function movedTwin(
  g: Builder,
  { groups, layout, scalars }: Moving,
  twin: Twin,
  renewed: (resident: string) => Node | undefined = () => undefined,
): MovedTwin[] {
  const decay = scalars.node(g, "decay", twin.decay);
  const followed = new Map(twin.follows.map(({ state, parameter }) => [parameter, state]));
  return groups.flatMap((group) => {
    const resident = twinResident(twin, group);
    const parts = layout.parts.filter((part) => part.resident === resident);
    if (parts.length === 0) return [];
    const source = renewed(group.resident) ?? residentLeaf(g, layout, group.resident);
    let offset = 0;
    const pieces: Node[] = [];
    for (const parameter of group.parameters) {
      const size = elementCount(parameter.shape);
      if (followed.has(parameter.path)) pieces.push(g.slice(source, [offset], [size]));
      offset += size;
    }
    const isWhole = pieces.length === group.parameters.length;
    const target = isWhole ? source : pieces.length === 1 ? pieces[0]! : g.concat(pieces, 0);
    const old = residentLeaf(g, layout, resident);
    const value = g.plus(g.multiply(old, decay), g.multiply(target, g.subtract(1, decay)));
    return [{ resident, value, parts }];
  });
}

/** decay * the twin's + (1 - decay) * the net's, as it is after this step. */
export function followedStatistics(
  g: Builder,
  { recipe, scalars }: Moving,
  updates: readonly Update[],
): Update[] {
  const values = new Map(updates.map(({ path, value }) => [path, value]));
  const stateAt = (path: string) => g.state(recipe.states.find((state) => state.path === path)!); // prettier-ignore
  return recipe.twins.flatMap((twin) => {
    if (twin.statistics.length === 0) return [];
    const decay = scalars.node(g, "decay", twin.decay);
    return twin.statistics.map(({ state, of }) => {
      const target = values.get(of) ?? stateAt(of);
      const moved = g.plus(g.multiply(stateAt(state), decay), g.multiply(target, g.subtract(1, decay))); // prettier-ignore
      return { path: state, value: moved };
    });
  });
}

function twinResident(twin: Twin, group: { readonly resident: string }): string {
  return `${twin.name}/${group.resident}`;
}
