// Makes tensor graphs: the only way to make a node.
// Types come from each op's rule; a node that says the same as an earlier one is that one (all ops are pure);
// `finish` keeps what outputs and updates need, in order, with ids renumbered.
import { Notation } from "../ops/notation.ts";
import { OpError } from "../ops/op.ts";
import { op as opByName } from "../ops/registry.ts";
import { sameShape } from "../ops/shape.ts";
import type {
  Attributes,
  AttributeValue,
  GraphInput,
  Node,
  Origin,
  Output,
  Parameter,
  State,
  TensorGraph,
  TensorType,
  Update,
} from "./graph.ts";

/** What the finished graph is for. Leaves not reached by any of it are dropped unless `keepLeaves`. */
export interface Finish {
  readonly outputs?: readonly Output[];
  readonly updates?: readonly Update[];
  /** Keep every declared input, parameter and state in the graph's lists, used or not. */
  readonly keepLeaves?: boolean;
}

export class Builder extends Notation {
  /** Every node made so far, inputs before uses; `nodes[i].id === i`. */
  readonly nodes: Node[] = [];
  /** By signature, then by inputs. */
  private readonly known = new Map<string, Map<number | string, Node>>();
  private readonly inputs = new Map<string, GraphInput>();
  private readonly parameters = new Map<string, Parameter>();
  private readonly states = new Map<string, State>();
  private origin: Origin = { path: "" };

  at(origin: Origin): void {
    this.origin = origin;
  }

  /** The origin that the next node gets. */
  get here(): Origin {
    return this.origin;
  }

  /** Runs `body` with another origin, then returns to the present one. */
  under<T>(origin: Origin, body: () => T): T {
    const before = this.origin;
    this.origin = origin;
    try {
      return body();
    } finally {
      this.origin = before;
    }
  }

  add(
    op: string,
    inputs: readonly Node[],
    attributes: Attributes = {},
    origin: Origin = this.origin,
  ): Node {
    return this.intern(op, inputs, attributes, signatureOf(op, attributes), origin);
  }

  /** As `add`, of a node of another graph with these inputs instead: what is known of it is not worked out again. */
  copy(node: Node, inputs: readonly Node[]): Node {
    const { op, attributes, signature, origin } = node;
    const isSame = inputs.every((input, i) => sameType(input, node.inputs[i]!));
    return this.intern(op, inputs, attributes, signature, origin, isSame ? node : undefined);
  }

  private intern(
    op: string,
    inputs: readonly Node[],
    attributes: Attributes,
    signature: string,
    origin: Origin,
    type?: TensorType,
  ): Node {
    for (const input of inputs)
      if (this.nodes[input.id] !== input)
        throw new OpError(`\`${op}\` reads a node of another graph`);
    let alike = this.known.get(signature);
    if (alike === undefined) this.known.set(signature, (alike = new Map()));
    const key = keyOfInputs(inputs);
    const earlier = alike.get(key);
    if (earlier !== undefined) return earlier;
    const { shape, dtype } = type ?? opByName(op).infer(inputs, attributes);
    const id = this.nodes.length;
    const node: Node = { id, op, inputs, attributes, signature, shape, dtype, origin };
    this.nodes.push(node);
    alike.set(key, node);
    const settled = this.settle(node);
    if (settled !== node) alike.set(key, settled);
    return settled;
  }

  /** What a node that was just made becomes: passes put another in its place here, once and for all. */
  protected settle(node: Node): Node {
    return node;
  }

  /** A value handed in for each run: a field of the batch, or a scalar (shape []) such as `lr`. */
  input(name: string, type: TensorType): Node {
    const { shape, dtype } = type;
    const known = this.inputs.get(name);
    if (known === undefined) this.inputs.set(name, { name, shape, dtype });
    return this.add("input", [], {
      name,
      shape: known?.shape ?? shape,
      dtype: known?.dtype ?? dtype,
    });
  }

  /** A trained (or frozen) array; asking again for the same path gives the same node. */
  parameter(parameter: Parameter): Node {
    const { path } = parameter;
    if (!this.parameters.has(path)) this.parameters.set(path, parameter);
    const { shape, dtype, origin } = this.parameters.get(path)!;
    return this.add("parameter", [], { path, shape, dtype }, origin);
  }

  /** An array that a step may renew but no gradient reaches. */
  state(state: State): Node {
    const { path } = state;
    if (!this.states.has(path)) this.states.set(path, state);
    const { shape, dtype, origin } = this.states.get(path)!;
    return this.add("state", [], { path, shape, dtype }, origin);
  }

  /** Declares the leaves of another graph, so that a pass can rebuild it node by node. */
  declareLeavesOf(graph: TensorGraph): void {
    for (const input of graph.inputs) this.inputs.set(input.name, input);
    for (const parameter of graph.parameters) this.parameters.set(parameter.path, parameter);
    for (const state of graph.states) this.states.set(state.path, state);
  }

  /**
   * Copies a finished graph into this builder, to be extended. Returns the new node of each old one.
   * `renamed` may change a node while it is copied (its inputs already are): undefined keeps it.
   */
  import(
    graph: TensorGraph,
    renamed?: (node: Node, inputs: readonly Node[]) => Node | undefined,
  ): Copies {
    this.declareLeavesOf(graph);
    const copies = new Copies();
    for (const node of graph.nodes) {
      const inputs = copies.ofAll(node.inputs);
      copies.set(node, renamed?.(node, inputs) ?? this.copy(node, inputs));
    }
    return copies;
  }

  /** The graph of what `outputs` and `updates` need, and nothing else. */
  finish({ outputs = [], updates = [], keepLeaves = false }: Finish): TensorGraph {
    const roots = [...outputs, ...updates].map((root) => root.value);
    const needed = placesNeeded(roots, this.nodes.length);
    const copies = new Copies();
    const nodes: Node[] = [];
    const leaves = (op: string, attribute: string) =>
      new Set(nodes.filter((node) => node.op === op).map((node) => node.attributes[attribute]));
    for (const node of this.nodes) {
      if (needed[node.id] === 0) continue;
      const id = nodes.length;
      // Where all before it are needed, a node is what it was.
      const copy = id === node.id ? node : { ...node, id, inputs: copies.ofAll(node.inputs) };
      copies.set(node, copy);
      nodes.push(copy);
    }
    const [inputs, parameters, states] = [leaves("input", "name"), leaves("parameter", "path"), leaves("state", "path")]; // prettier-ignore
    for (const { path } of updates) {
      parameters.add(path);
      states.add(path);
    }
    return {
      nodes,
      inputs: [...this.inputs.values()].filter((leaf) => keepLeaves || inputs.has(leaf.name)),
      parameters: [...this.parameters.values()].filter(
        (leaf) => keepLeaves || parameters.has(leaf.path),
      ),
      states: [...this.states.values()].filter((leaf) => keepLeaves || states.has(leaf.path)),
      outputs: outputs.map(({ name, value }) => ({ name, value: copies.get(value)! })),
      updates: updates.map(({ path, value }) => ({ path, value: copies.get(value)! })),
    };
  }
}

/** What the nodes of one graph became in another, by their places. */
export class Copies {
  private readonly copies: (Node | undefined)[] = [];

  set(node: Node, copy: Node): void {
    this.copies[node.id] = copy;
  }

  get(node: Node): Node | undefined {
    return this.copies[node.id];
  }

  /** Of nodes that all have a copy. */
  ofAll(nodes: readonly Node[]): Node[] {
    const copies: Node[] = [];
    for (let i = 0; i < nodes.length; i++) copies.push(this.copies[nodes[i]!.id]!);
    return copies;
  }
}

/** All nodes that the roots depend on, themselves included. */
export function reachable(roots: readonly Node[], upTo: number): Set<Node> {
  const found = new Set<Node>();
  const open = [...roots];
  while (open.length > 0) {
    const node = open.pop()!;
    if (found.has(node)) continue;
    if (node.id >= upTo) throw new OpError(`\`${node.op}\` belongs to another graph`);
    found.add(node);
    open.push(...node.inputs);
  }
  return found;
}

/** By place: 1 for all nodes that the roots depend on, themselves included. */
function placesNeeded(roots: readonly Node[], upTo: number): Uint8Array {
  const found = new Uint8Array(upTo);
  const open = [...roots];
  while (open.length > 0) {
    const node = open.pop()!;
    if (node.id >= upTo) throw new OpError(`\`${node.op}\` belongs to another graph`);
    if (found[node.id] === 1) continue;
    found[node.id] = 1;
    for (let i = 0; i < node.inputs.length; i++) open.push(node.inputs[i]!);
  }
  return found;
}

/** Of up to two inputs a number, which takes no text to write. */
function keyOfInputs(inputs: readonly Node[]): number | string {
  if (inputs.length === 0) return -1;
  if (inputs.length === 1) return inputs[0]!.id;
  if (inputs.length === 2) return (inputs[0]!.id + 1) * 2 ** 26 + inputs[1]!.id;
  let key = "";
  for (const input of inputs) key += ` ${input.id}`;
  return key;
}

function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && (a.shape === b.shape || sameShape(a.shape, b.shape));
}

function signatureOf(op: string, attributes: Attributes): string {
  return op + keyOfValue(attributes);
}

/** Like JSON with sorted names, but telling apart -0, infinities and NaN. */
function keyOfValue(value: AttributeValue): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (isList(value)) {
    let list = "[";
    for (let i = 0; i < value.length; i++) list += `${keyOfValue(value[i]!)},`;
    return `${list}]`;
  }
  const names = Object.keys(value);
  if (names.length > 1) names.sort();
  let record = "{";
  for (const name of names) record += `${name}:${keyOfValue(value[name] ?? null)},`;
  return `${record}}`;
}

function isList(value: AttributeValue): value is readonly AttributeValue[] {
  return Array.isArray(value);
}
