// PyTorch's own files, `.pt` and `.pth`: a zip file with a pickle that says which tensors there are, and a member for the
// numbers of each storage. A tensor is a view of a storage: a type, a shape, a first element and strides.
import { WorldError } from "../errors.ts";
import type { Files } from "../host/host.ts";
import { isDict, isObject, readPickle } from "./pickle.ts";
import type { PickleDict, PickleObject, PickleValue } from "./pickle.ts";
import { dtypeBytes } from "./safetensors.ts";
import type { StoredDtype, StoredTensor } from "./safetensors.ts";
import type { TensorEntry, TensorFile } from "./tensor-file.ts";
import { openZip } from "./zip.ts";
import type { ZipFile, ZipMember } from "./zip.ts";

interface View extends TensorEntry {
  readonly member: ZipMember;
  /** In elements. */
  readonly start: number;
  readonly strides: readonly number[];
}

const dtypeOfStorage: Readonly<Record<string, StoredDtype>> = {
  "torch.FloatStorage": "F32",
  "torch.DoubleStorage": "F64",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.LongStorage": "I64",
  "torch.IntStorage": "I32",
  "torch.ShortStorage": "I16",
  "torch.CharStorage": "I8",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
};

const dtypes: Readonly<Record<string, StoredDtype>> = {
  "torch.float32": "F32",
  "torch.float64": "F64",
  "torch.float16": "F16",
  "torch.bfloat16": "BF16",
  "torch.float8_e4m3fn": "F8_E4M3",
  "torch.float8_e5m2": "F8_E5M2",
  "torch.int64": "I64",
  "torch.int32": "I32",
  "torch.int16": "I16",
  "torch.int8": "I8",
  "torch.uint8": "U8",
  "torch.uint16": "U16",
  "torch.uint32": "U32",
  "torch.uint64": "U64",
  "torch.bool": "BOOL",
};

const rebuilt = "torch._utils._rebuild_tensor_v2";
const rebuiltByType = "torch._utils._rebuild_tensor_v3";
const parameter = "torch._utils._rebuild_parameter";

/** All functions that a file of tensors needs. */
const known: ReadonlySet<string> = new Set([
  "collections.OrderedDict",
  "torch.Size",
  "torch.storage.UntypedStorage",
  rebuilt,
  rebuiltByType,
  parameter,
  ...Object.keys(dtypeOfStorage),
  ...Object.keys(dtypes),
]);

/**
 * `within` names the dictionary that holds the weights, `state_dict` or `ema.model`. Without it they must lie at the
 * top, or in the one dictionary of tensors there.
 * @throws WorldError `broken-file`, `unsupported` (a pickle that asks for other code), `unlike-checkpoint`
 */
export function openTorch(
  files: Files,
  path: string,
  within?: string,
  zip: ZipFile = openZip(files, path),
): TensorFile {
  const pickle = [...zip.members.values()].find(({ name }) => /(^|\/)data\.pkl$/.test(name));
  if (pickle === undefined) throw broken(path, "has no data.pkl: it is no file of torch.save");
  const folder = pickle.name.slice(0, -"data.pkl".length);
  const order = zip.members.get(`${folder}byteorder`);
  if (order && new TextDecoder().decode(zip.read(order)).trim() === "big")
    throw new WorldError(
      "unsupported",
      `${path} was written on a big-endian machine`,
      "save it again on another",
    );
  const top = readPickle(zip.read(pickle), known, path);
  const found = findWeights(top, within, path);
  const views = new Map<string, View>();
  for (const [name, value] of found.dict.entries) {
    const view = viewOf(value, zip, folder, String(name));
    if (view !== undefined) views.set(String(name), view);
  }
  return {
    path,
    kind: "a PyTorch file",
    metadata: {},
    tensors: views,
    read: (name) => {
      const view = views.get(name);
      if (view === undefined)
        throw new WorldError("unlike-checkpoint", `${path} has no ${name}`, "see which it has");
      return readView(zip, view, name);
    },
    ...(found.within === "" ? {} : { within: found.within }),
  };
}

interface Weights {
  readonly dict: PickleDict;
  readonly within: string;
}

function findWeights(top: PickleValue, within: string | undefined, path: string): Weights {
  if (within !== undefined) return followed(top, within, path);
  if (!isDict(top))
    throw unlike(path, "holds no dictionary of tensors", "save model.state_dict(), not the model");
  if (holdsTensors(top)) return { dict: top, within: "" };
  const inner = [...top.entries].filter(([, value]) => isDict(value) && holdsTensors(value));
  const [only] = inner;
  if (inner.length === 1) return { dict: only![1] as PickleDict, within: String(only![0]) };
  const names = inner.map(([name]) => name).join(", ");
  throw inner.length === 0
    ? unlike(
        path,
        `holds no tensors, only ${[...top.entries.keys()].join(", ") || "nothing"}`,
        "name what holds them, as in --within ema.state_dict",
      )
    : unlike(path, `holds several sets of weights: ${names}`, `say which: --within ${only![0]}`);
}

function followed(top: PickleValue, within: string, path: string): Weights {
  let at = top;
  for (const part of within.split(".")) {
    const next = isDict(at) ? at.entries.get(part) : undefined;
    if (next === undefined) {
      const names = isDict(at) ? [...at.entries.keys()].slice(0, 12).join(", ") : "no dictionary";
      throw unlike(path, `has no \`${part}\` of \`${within}\` in it`, `there is ${names}`);
    }
    at = next;
  }
  if (!isDict(at) || !holdsTensors(at))
    throw unlike(path, `holds no tensors in \`${within}\``, "name the dictionary of the weights");
  return { dict: at, within };
}

function holdsTensors({ entries }: PickleDict): boolean {
  return [...entries.values()].some((value) => tensorCall(value) !== undefined);
}

/** What makes a tensor, without the parameter around it. */
function tensorCall(value: PickleValue): PickleObject | undefined {
  if (!isObject(value, "call")) return undefined;
  if (value.name === parameter) return tensorCall(value.values[0] ?? null);
  return value.name === rebuilt || value.name === rebuiltByType ? value : undefined;
}

function viewOf(value: PickleValue, zip: ZipFile, folder: string, name: string): View | undefined {
  const call = tensorCall(value);
  if (call === undefined) return undefined;
  const [storage, start, shape, strides] = call.values;
  if (!isObject(storage, "persistent") || !isCount(start) || !isCounts(shape) || !isCounts(strides))
    throw broken(zip.path, `says ${name} in an unknown way`);
  const [, type, key] = storage.values;
  const asked = call.values[6];
  const dtype =
    call.name === rebuiltByType
      ? isObject(asked, "global") && dtypes[asked.name]
      : isObject(type, "global") && dtypeOfStorage[type.name];
  const member = zip.members.get(`${folder}data/${String(key)}`);
  if (!dtype)
    throw new WorldError(
      "unsupported",
      `${zip.path} has ${name} in a type that cannot be read`,
      "save it as float32",
    );
  if (member === undefined) throw broken(zip.path, `has no numbers of ${name}`);
  const end = start + extentOf(shape, strides);
  if (end * dtypeBytes[dtype] > member.size)
    throw broken(zip.path, `has too few numbers of ${name}`);
  return { dtype, shape, member, start, strides };
}

function readView(zip: ZipFile, view: View, name: string): StoredTensor {
  const { dtype, shape, member, start, strides } = view;
  const width = dtypeBytes[dtype];
  const count = shape.reduce((product, size) => product * size, 1);
  const extent = extentOf(shape, strides);
  const bytes = zip.read(member, start * width, extent * width);
  if (bytes.length < extent * width) throw broken(zip.path, `has too few numbers of ${name}`);
  return { dtype, shape, bytes: isDense(view) ? bytes : gathered(bytes, view, width, count) };
}

/** Elements from the first to the last, both counted. */
function extentOf(shape: readonly number[], strides: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return 1 + shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 0);
}

/** The last axis is the densest and nothing lies between. */
function isDense({ shape, strides }: View): boolean {
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== stride) return false;
    stride *= shape[axis]!;
  }
  return true;
}

function gathered(
  bytes: Uint8Array,
  { shape, strides }: View,
  width: number,
  count: number,
): Uint8Array {
  const result = new Uint8Array(count * width);
  const place = shape.map(() => 0);
  for (let to = 0; to < result.length; to += width) {
    const from = width * place.reduce((sum, at, axis) => sum + at * strides[axis]!, 0);
    result.set(bytes.subarray(from, from + width), to);
    for (let axis = shape.length - 1; axis >= 0 && ++place[axis]! === shape[axis]; axis--)
      place[axis] = 0;
  }
  return result;
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isCounts(value: PickleValue | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every(isCount);
}

function broken(path: string, what: string): WorldError {
  return new WorldError("broken-file", `${path} ${what}`, "copy or download it again");
}

function unlike(path: string, what: string, hint: string): WorldError {
  return new WorldError("unlike-checkpoint", `${path} ${what}`, hint);
}
