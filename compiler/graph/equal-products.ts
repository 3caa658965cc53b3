// A forward graph -> its equal products: several `dot`s of one value by arrays of one shape (q, k and v written as three
// Linears), each with the elementwise work behind it that all of them have alike (a bias, an activation).
// They could be one product of stacked arrays; that is worth it where it takes fewer dispatches. Elementwise work that
// is not alike ended its product and will be a kernel of its own: it counts against it, and so do its bytes.
import { op as opByName } from "../ops/registry.ts";
import { byteSize, type Node, type TensorGraph } from "./graph.ts";
import { usersOf, type Users } from "./users.ts";

export interface EqualProducts {
  /** The product of each member and the work behind it, place by place alike, in order. */
  readonly members: readonly (readonly Node[])[];
  /** Arrays to be stacked, one of each member: weights first, then biases. */
  readonly stacks: readonly (readonly Node[])[];
  /** Places of members' nodes that others read. */
  readonly ends: readonly number[];
}

/** Work behind one product that could be done for all of them. */
const mostWork = 24;

/** @param isAtHand whether arrays of these paths lie so that they are one array without a copy */
export function equalProducts(
  graph: TensorGraph,
  isAtHand: (paths: readonly string[]) => boolean = () => true,
): EqualProducts[] {
  const finder = new Finder(usersOf(graph));
  const found = [...finder.alike(graph).values()].flatMap((products) => finder.matched(products));
  const worthwhile = found.filter(
    (set) => finder.isWorthwhile(set) && set.stacks.every((stack) => isAtHand(stack.map(pathOf))),
  );
  return closed(worthwhile, finder.users);
}

export function pathOf(leaf: Node): string {
  return String(leaf.attributes["path"]);
}

/** A parameter or state, or a view of one, or a constant: there at any time. */
export function isSpread(node: Node): boolean {
  if (isArray(node) || node.op === "constant") return true;
  return isStackable(node) && isSpread(node.inputs[0]!);
}

function isArray(node: Node): boolean {
  return node.op === "parameter" || node.op === "state";
}

function isStackable(node: Node): boolean {
  return node.op === "reshape" || node.op === "broadcast";
}

/** The array behind views. */
function arrayOf(node: Node): Node | undefined {
  if (isArray(node)) return node;
  return isStackable(node) ? arrayOf(node.inputs[0]!) : undefined;
}

class Finder {
  readonly users: Users;
  /** Texts that say what a node is, as numbers. */
  private readonly keys = new Map<string, number>();

  constructor(users: Users) {
    this.users = users;
  }

  /** Products of one value by arrays of one shape. */
  alike(graph: TensorGraph): Map<string, Node[]> {
    const groups = new Map<string, Node[]>();
    for (const node of graph.nodes) {
      const [x, weight] = node.inputs;
      if (node.op !== "dot" || !weight || !isArray(weight)) continue;
      const key = `${x!.id} ${node.signature} ${typeKey(weight)} ${[...this.firstWork(node)].sort().join()}`;
      groups.set(key, [...(groups.get(key) ?? []), node]);
    }
    return groups;
  }

  /** The products with the work that all of them have. */
  matched(products: readonly Node[]): EqualProducts[] {
    if (products.length < 2) return [];
    const works = products.map((product) => this.workBehind(product));
    const [first] = works;
    const shared = [...first!.keys()].filter((key) => works.every((work) => work.has(key)));
    const members = works.map((work) => shared.map((key) => work.get(key)!));
    const stacks = stacksOf(members);
    const isDistinct = stacks.every((stack) => new Set(stack).size === stack.length);
    if (!isDistinct) return [];
    const ends = shared.flatMap((_, place) =>
      members.some((member) => this.isReadOutside(member, place)) ? [place] : [],
    );
    return [{ members, stacks, ends }];
  }

  private isReadOutside(member: readonly Node[], place: number): boolean {
    return this.users
      .get(member[place]!)!
      .some((user) => user === "result" || !member.includes(user));
  }

  /** Keys of the work that reads a product directly. */
  private firstWork(product: Node): Set<number> {
    const known = new Map([[product, this.keyOf("product")]]);
    return new Set(this.users.get(product)!.flatMap((user) => this.workKey(user, known) ?? []));
  }

  /** A product and elementwise work on nothing but it and arrays, by what it is. */
  private workBehind(product: Node): Map<number, Node> {
    const known = new Map([[product, this.keyOf("product")]]);
    for (const node of known.keys()) {
      for (const user of this.users.get(node)!) {
        const key = this.workKey(user, known);
        if (key !== undefined && known.size < mostWork) known.set(user as Node, key);
      }
    }
    const inOrder = [...known].sort(([a], [b]) => a.id - b.id);
    return new Map(inOrder.map(([node, key]) => [key, node]));
  }

  private workKey(user: Node | "result", known: ReadonlyMap<Node, number>): number | undefined {
    if (user === "result" || opByName(user.op).kind !== "elementwise") return undefined;
    const keys = user.inputs.map((input) => known.get(input) ?? this.spreadKey(input));
    if (keys.includes(undefined)) return undefined;
    return this.keyOf(`${user.signature} ${keys.join()}`);
  }

  /** Arrays are alike by type; of anything else that is spread, all must be the same. */
  private spreadKey(node: Node): number | undefined {
    if (!isSpread(node)) return undefined;
    const [inner] = node.inputs;
    const text = isArray(node)
      ? typeKey(node)
      : `${node.signature} ${inner ? this.spreadKey(inner) : ""}`;
    return this.keyOf(text);
  }

  private keyOf(text: string): number {
    const known = this.keys.get(text) ?? this.keys.size;
    this.keys.set(text, known);
    return known;
  }

  /** Fewer dispatches, and no more bytes: x is read once, but work that ended a product reads and writes for itself. */
  isWorthwhile({ members, ends }: EqualProducts): boolean {
    const lost = members.flatMap((member) => ends.flatMap((end) => this.endedBy(member, end)));
    const work = new Set(lost.filter((user) => user !== "result"));
    const kernels =
      separate(work) + (lost.length - lost.filter((user) => user !== "result").length);
    const [product] = members[0]!;
    const spared = (members.length - 1) * byteSize(product!.inputs[0]!);
    const added = 2 * kernels * byteSize(product!);
    return members.length > 1 + kernels && spared >= added;
  }

  /** Who would end the product, were it not joined: those who read elementwise what nobody else reads. */
  private endedBy(member: readonly Node[], end: number): (Node | "result")[] {
    const readers = this.readersThrough(member[end]!).filter(
      (user) => user === "result" || !member.includes(user),
    );
    const isEnding = (user: Node | "result") =>
      user === "result" || opByName(user.op).kind === "elementwise";
    return readers.every(isEnding) ? readers : [];
  }

  private readersThrough(node: Node): (Node | "result")[] {
    return this.users
      .get(node)!
      .flatMap((user) =>
        user !== "result" && opByName(user.op).kind === "view" ? this.readersThrough(user) : [user],
      );
  }
}

/** How many kernels some elementwise work is: what reads other such work is made with it. */
function separate(work: ReadonlySet<Node>): number {
  const rests = (node: Node, depth = 8): boolean =>
    depth > 0 && node.inputs.some((input) => work.has(input) || rests(input, depth - 1));
  return [...work].filter((node) => !rests(node)).length;
}

function typeKey({ op, shape, dtype }: Node): string {
  return `${op} ${dtype} ${shape.join()}`;
}

/** The arrays that each place of the members reads, one of each member. */
function stacksOf(members: readonly (readonly Node[])[]): Node[][] {
  const stacks = new Map<string, Node[]>();
  members[0]!.forEach((node, place) =>
    node.inputs.forEach((input, i) => {
      if ((place === 0 && i === 0) || !isSpread(input) || arrayOf(input) === undefined) return;
      const stack = members.map((member) => arrayOf(member[place]!.inputs[i]!)!);
      stacks.set(keyOfStack(stack), stack);
    }),
  );
  return [...stacks.values()];
}

function keyOfStack(stack: readonly Node[]): string {
  return stack.map((array) => array.id).join();
}

/**
 * Those whose arrays nobody reads but sets that stack them in the same way: a gradient that comes from elsewhere, too,
 * could not be written where the stack lies.
 */
function closed(sets: readonly EqualProducts[], users: Users): EqualProducts[] {
  const inside = new Map<string, Set<Node>>();
  const keyOf = new Map<Node, string>();
  let isConsistent = (set: EqualProducts): boolean => set.stacks.length > 0;
  for (const set of sets)
    for (const stack of set.stacks) {
      const key = keyOfStack(stack);
      const nodes = inside.get(key) ?? new Set();
      inside.set(key, nodes);
      for (const node of set.members.flat()) nodes.add(node);
      for (const array of stack) {
        const other = keyOf.get(array);
        if (other !== undefined && other !== key) {
          const before = isConsistent;
          isConsistent = (each) => before(each) && !each.stacks.flat().includes(array);
        }
        keyOf.set(array, key);
      }
    }
  const isReadByOthers = (node: Node, key: string): boolean =>
    users.get(node)!.some((user) => {
      if (user === "result") return true;
      return isStackable(user) ? isReadByOthers(user, key) : !inside.get(key)!.has(user);
    });
  const kept = sets.filter(
    (set) =>
      isConsistent(set) &&
      set.stacks.every((stack) =>
        stack.every((array) => !isReadByOthers(array, keyOfStack(stack))),
      ),
  );
  return kept.length === sets.length ? kept : closed(kept, users);
}
