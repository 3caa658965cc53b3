// A step of the host: arrays of a device in, the values of the step's array out, by the op's meaning in float64.
import type { HostStep, PlacedArray } from "../../compiler/program/program.ts";
import { op as opByName } from "../../compiler/ops/registry.ts";
import type { TypedArray } from "./device.ts";
import { asStored } from "./loaded-compilation.ts";

/** @param read the values of one of the step's inputs, as the device has them now */
export function hostStepValues(
  { op, inputs, output, attributes }: HostStep,
  read: (input: PlacedArray) => TypedArray,
): TypedArray {
  const values = inputs.map((input) => Float64Array.from(read(input)));
  return asStored(opByName(op).evaluate(values, { inputs, output, attributes }), output.dtype);
}
