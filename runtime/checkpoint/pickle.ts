// Python's pickle -> plain values, without running anything: a pickle is a program for a small stack machine, and the
// only functions that this one knows are those that make tensors and ordered dictionaries. A pickle that asks for any
// other is refused by its name.
// The codes are those of protocol 2 to 5 that torch.save and its like write (pickletools, PEP 3154).
import { WorldError } from "../errors.ts";

export type PickleValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly PickleValue[]
  | PickleDict
  | PickleObject;

/** A dictionary in its order; keys that are no text or number are left out. */
export interface PickleDict {
  readonly kind: "dict";
  readonly entries: Map<string | number, PickleValue>;
}

/** What a known function would have made of these values; or the function itself, before it is called. */
export interface PickleObject {
  readonly kind: "call" | "global" | "persistent";
  readonly name: string;
  readonly values: readonly PickleValue[];
}

const mark = Symbol("mark");
type Cell = PickleValue | typeof mark;

/** `known` holds the functions that may be named, as `module.name`. @throws WorldError for any other, and for damage */
export function readPickle(
  bytes: Uint8Array,
  known: ReadonlySet<string>,
  path: string,
): PickleValue {
  return new Machine(bytes, known, path).run();
}

class Machine {
  private readonly view: DataView;
  private readonly bytes: Uint8Array;
  private readonly known: ReadonlySet<string>;
  private readonly path: string;
  private readonly stack: Cell[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private at = 0;

  constructor(bytes: Uint8Array, known: ReadonlySet<string>, path: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.known = known;
    this.path = path;
  }

  run(): PickleValue {
    for (;;) {
      const code = String.fromCharCode(this.uint8());
      if (code === ".") return this.pop();
      const step = steps[code];
      if (step === undefined)
        throw this.broken(`has the unknown code ${JSON.stringify(code)} in its pickle`);
      step(this);
    }
  }

  // ---------------------------------------------------------------------------------------- reading

  private take(length: number): number {
    const start = this.at;
    if (length < 0 || start + length > this.bytes.length)
      throw this.broken("has a pickle that is cut short");
    this.at += length;
    return start;
  }

  uint8(): number {
    return this.view.getUint8(this.take(1));
  }

  uint16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  uint32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  uint64(): number {
    return Number(this.view.getBigUint64(this.take(8), true));
  }

  double(): number {
    return this.view.getFloat64(this.take(8));
  }

  raw(length: number): Uint8Array {
    const start = this.take(length);
    return this.bytes.slice(start, start + length);
  }

  text(length: number): string {
    return new TextDecoder().decode(this.raw(length));
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end === -1) throw this.broken("has a pickle that is cut short");
    const text = this.text(end - this.at);
    this.at = end + 1;
    return text;
  }

  /** A whole number of any size, in two's complement, the lowest byte first. */
  long(length: number): number | bigint {
    const bytes = this.raw(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    if (length > 0 && bytes[length - 1]! >= 0x80) value -= 1n << BigInt(8 * length);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  // ---------------------------------------------------------------------------------------- the stack

  push(value: Cell): void {
    this.stack.push(value);
  }

  pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined || value === mark) throw this.broken("has a damaged pickle");
    return value;
  }

  top(): PickleValue {
    const value = this.pop();
    this.push(value);
    return value;
  }

  /** Everything above the last mark. */
  popToMark(): PickleValue[] {
    const at = this.stack.lastIndexOf(mark);
    if (at === -1) throw this.broken("has a damaged pickle");
    const values = this.stack.splice(at) as PickleValue[];
    return values.slice(1);
  }

  setMark(): void {
    this.push(mark);
  }

  put(index: number): void {
    this.memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.memo.size);
  }

  get(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.broken("has a damaged pickle");
    this.push(value);
  }

  // ---------------------------------------------------------------------------------------- what is made

  global(module: string, name: string): void {
    const whole = `${module}.${name}`;
    if (!this.known.has(whole))
      throw new WorldError(
        "unsupported",
        `${this.path} asks to run \`${whole}\`, which is not needed to read tensors: it is refused`,
        "save the weights alone, torch.save(model.state_dict(), …), or as safetensors",
      );
    this.push({ kind: "global", name: whole, values: [] });
  }

  /** A known function with its values; an ordered dictionary is a dictionary at once. */
  call(): void {
    const values = this.list(this.pop());
    const callee = this.pop();
    if (!isObject(callee, "global")) throw this.broken("calls what is no function in its pickle");
    if (callee.name === "collections.OrderedDict") {
      const dict: PickleDict = { kind: "dict", entries: new Map() };
      for (const pair of values.length > 0 ? this.list(values[0]!) : []) {
        const [key, value] = this.list(pair);
        this.set(dict, key, value);
      }
      this.push(dict);
    } else this.push({ kind: "call", name: callee.name, values });
  }

  persistent(): void {
    this.push({ kind: "persistent", name: "", values: this.list(this.pop()) });
  }

  appendAll(values: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.broken("has a damaged pickle");
    (list as PickleValue[]).push(...values);
  }

  setAll(values: readonly PickleValue[]): void {
    const dict = this.top();
    if (!isDict(dict)) throw this.broken("has a damaged pickle");
    for (let i = 0; i + 1 < values.length; i += 2) this.set(dict, values[i], values[i + 1]);
  }

  private set(
    dict: PickleDict,
    key: PickleValue | undefined,
    value: PickleValue | undefined,
  ): void {
    if (value === undefined) throw this.broken("has a damaged pickle");
    if (typeof key === "string" || typeof key === "number") dict.entries.set(key, value);
  }

  private list(value: PickleValue): readonly PickleValue[] {
    if (!Array.isArray(value)) throw this.broken("has a damaged pickle");
    return value as readonly PickleValue[];
  }

  broken(what: string): WorldError {
    return new WorldError("broken-file", `${this.path} ${what}`, "copy or download it again");
  }
}

export function isDict(value: PickleValue | undefined): value is PickleDict {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "dict";
}

export function isObject(
  value: PickleValue | undefined,
  kind: PickleObject["kind"],
): value is PickleObject {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === kind;
}

const tuple = (m: Machine, count: number): void => {
  const values = Array.from({ length: count }, () => m.pop()).reverse();
  m.push(values);
};

/** Codes by their character, as pickletools lists them. */
const steps: Readonly<Record<string, (m: Machine) => void>> = {
  "\x80": (m) => void m.uint8(), // PROTO
  "\x95": (m) => void m.uint64(), // FRAME
  "(": (m) => m.setMark(),
  "0": (m) => void m.pop(),
  "1": (m) => void m.popToMark(),
  "2": (m) => m.push(m.top()),
  N: (m) => m.push(null),
  "\x88": (m) => m.push(true),
  "\x89": (m) => m.push(false),
  J: (m) => m.push(m.int32()),
  K: (m) => m.push(m.uint8()),
  M: (m) => m.push(m.uint16()),
  "\x8a": (m) => m.push(m.long(m.uint8())),
  "\x8b": (m) => m.push(m.long(m.int32())),
  G: (m) => m.push(m.double()),
  X: (m) => m.push(m.text(m.uint32())),
  "\x8c": (m) => m.push(m.text(m.uint8())),
  "\x8d": (m) => m.push(m.text(m.uint64())),
  T: (m) => m.push(m.text(m.int32())),
  U: (m) => m.push(m.text(m.uint8())),
  B: (m) => m.push(m.raw(m.uint32())),
  C: (m) => m.push(m.raw(m.uint8())),
  "\x8e": (m) => m.push(m.raw(m.uint64())),
  "}": (m) => m.push({ kind: "dict", entries: new Map() }),
  "]": (m) => m.push([]),
  ")": (m) => m.push([]),
  "\x8f": (m) => m.push([]), // EMPTY_SET
  t: (m) => m.push(m.popToMark()),
  l: (m) => m.push(m.popToMark()),
  d: (m) => {
    const values = m.popToMark();
    m.push({ kind: "dict", entries: new Map() });
    m.setAll(values);
  },
  "\x85": (m) => tuple(m, 1),
  "\x86": (m) => tuple(m, 2),
  "\x87": (m) => tuple(m, 3),
  a: (m) => {
    const value = m.pop();
    m.appendAll([value]);
  },
  e: (m) => {
    const values = m.popToMark();
    m.appendAll(values);
  },
  "\x90": (m) => {
    const values = m.popToMark(); // ADDITEMS
    m.appendAll(values);
  },
  s: (m) => {
    const value = m.pop();
    m.setAll([m.pop(), value]);
  },
  u: (m) => {
    const values = m.popToMark();
    m.setAll(values);
  },
  q: (m) => m.put(m.uint8()),
  r: (m) => m.put(m.uint32()),
  "\x94": (m) => m.memoize(),
  h: (m) => m.get(m.uint8()),
  j: (m) => m.get(m.uint32()),
  c: (m) => {
    const module = m.line();
    m.global(module, m.line());
  },
  "\x93": (m) => {
    const name = m.pop();
    m.global(String(m.pop()), String(name));
  },
  R: (m) => m.call(),
  Q: (m) => m.persistent(),
  // What is set on an object after it was made (the versions in an ordered dictionary) is no tensor.
  b: (m) => void m.pop(),
};
