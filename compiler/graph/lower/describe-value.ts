// A value in words, for messages, and as `.vit` text, for `vit show`.
import { groupedDigits } from "../grouped-digits.ts";
import { printHost } from "../host-expression.ts";
import type { NumberValue, TensorValue, Value } from "./value.ts";
import { showAxes, type RoleTable } from "./axis.ts";

/** With its article: `the number 3`, `a tensor [batch, width = 768]`. */
export function describeValue(value: Value, names: RoleTable): string {
  switch (value.kind) {
    case "number":
      return `the number ${showNumber(value)}`;
    case "bool":
      return `\`${value.value}\``;
    case "string":
      return `the text ${JSON.stringify(value.value)}`;
    case "choice":
      return `the word \`${value.word}\``;
    case "none":
      return "`none`";
    case "absent":
      return `the input \`${value.input}\`, which is not given`;
    case "duration":
      return `the duration ${value.amount} ${value.unit}`;
    case "range":
    case "course":
    case "record":
      return `a ${value.kind}`;
    case "list":
      return `the list ${showValue(value, names)}`;
    case "tuple":
      return `the tuple ${showValue(value, names)}`;
    case "axis":
      return `the axis \`${names.nameOf(value.role)}\``;
    case "shape":
      return `the shape ${showAxes(value.axes, names)}`;
    case "tensor":
      return `a tensor ${showTensor(value, names)}`;
    case "callable":
      return describeCallable(value.target.kind, value.name);
    case "net":
      return `the net \`${value.path}\``;
    case "parts":
      return "the parts of a net";
    case "host":
      return "a number that changes with the step";
    case "distribution":
      return `the distribution \`${value.name}\``;
    case "diagonal":
      return "`diagonal`";
    case "declaration":
      return `the ${value.declaration.kind} \`${value.declaration.name.text}\``;
    case "opaque":
      return value.what;
    case "poison":
      return "something wrong";
  }
}

function describeCallable(kind: string, name: string): string {
  if (kind === "braces" || kind === "stage") return "a part in braces";
  return `the ${kind === "block" ? "block" : "function"} \`${name}\``;
}

/** As text that reads back: `[3, 4, 6, 3]`, `EncoderLayer(drop = 0.2)`. */
export function showValue(value: Value, names: RoleTable): string {
  switch (value.kind) {
    case "number":
      return showNumber(value);
    case "bool":
      return String(value.value);
    case "string":
      return JSON.stringify(value.value);
    case "choice":
      return value.word;
    case "none":
    case "diagonal":
      return value.kind;
    case "duration":
      return `${value.amount} ${value.unit}`;
    case "list":
      return `[${value.elements.map((each) => showValue(each, names)).join(", ")}]`;
    case "tuple":
      return `(${value.elements.map((each) => showValue(each, names)).join(", ")})`;
    case "range":
      return `${value.from ? showValue(value.from, names) : ""}..${value.to ? showValue(value.to, names) : ""}`;
    case "course":
      return `${showValue(value.from, names)} to ${showValue(value.to, names)}`;
    case "axis":
      return names.nameOf(value.role);
    case "shape":
      return showAxes(value.axes, names);
    case "callable":
      return showCallable(value.name, value.given, names);
    case "net":
      return value.path;
    case "host":
      return printHost(value.expression);
    case "tensor":
      return showTensor(value, names);
    default:
      return describeValue(value, names);
  }
}

function showCallable(name: string, given: ReadonlyMap<string, Value>, names: RoleTable): string {
  if (name === "") return "{ … }";
  if (given.size === 0) return name;
  const settings = [...given].map(([setting, value]) => `${setting} = ${showValue(value, names)}`);
  return `${name}(${settings.join(", ")})`;
}

export function showNumber(value: NumberValue): string {
  return Number.isInteger(value.value) &&
    Math.abs(value.value) >= 1e4 &&
    Math.abs(value.value) < 1e15
    ? groupedDigits(value.value, "_")
    : String(value.value);
}

/** `[batch, tokens = 197]`, with the element type where it is not real. */
export function showTensor(value: TensorValue, names: RoleTable): string {
  const element = { f32: "", f16: "", bf16: "", i32: "int", u32: "int", bool: "bool" }[
    value.node.dtype
  ];
  return element + showAxes(value.axes, names);
}
