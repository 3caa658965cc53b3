// Convolutions, pools and fixed filters over one to three named axes. Without `over` they lie over the two axes before
// the last one: rows and columns of an image, whatever their names.
import type { Node } from "../../graph.ts";
import { axisOf, type Axis } from "../axis.ts";
import * as errors from "../errors.ts";
import type { Intrinsic, IntrinsicCall } from "../intrinsic.ts";
import { elementsOf, tensor, type TensorValue, type Value } from "../value.ts";
import { countsOf, intrinsic, make, optionalPlaces, placeOf, placesOf, realTensorOf, stopWith, valueOf, wholeOf } from "./arguments.ts"; // prettier-ignore

export const convolutions: readonly Intrinsic[] = [
  intrinsic(
    "convolve",
    "convolution with a kernel [.. window, in / groups, out], by place unless `window` and `sum` name its axes",
    ["x", "kernel", "over?", "window?", "sum?", "stride?", "padding?", "dilation?", "groups?"],
    convolve,
  ),
  intrinsic("max_pool", "largest in each window; outside counts nothing", ["x", "kernel", "stride?", "padding?", "over?"], (call) => pool(call, "max")),
  intrinsic("mean_pool", "mean of each window; outside counts as 0", ["x", "kernel", "stride?", "padding?", "over?"], (call) => pool(call, "mean")),
  intrinsic("filter", "correlation of each channel with fixed numbers", ["x", "numbers", "over"], filter),
]; // prettier-ignore

/** The places that a window slides over. */
function placesOver(call: IntrinsicCall, x: TensorValue): readonly number[] {
  const named = optionalPlaces(call, "over", x);
  if (named !== undefined) return named;
  const last = x.axes.length - 1;
  if (last >= 2) return [last - 2, last - 1];
  return stopWith(
    call.evaluator.fail(errors.tooFewAxes(call.name, x, call.scope.roles, call.at), call.scope),
  );
}

function slid(call: IntrinsicCall, axis: Axis, size: number): Axis {
  return { ...axis, size, origin: { by: `\`${call.name}\``, at: call.at } };
}

/** How often a window fits. Reports where it does not fit once. */
function fits(
  call: IntrinsicCall,
  axis: Axis,
  window: number,
  stride: number,
  padding: number,
  dilation: number,
): number {
  const room = axis.size + 2 * padding - dilation * (window - 1) - 1;
  if (room >= 0 && stride >= 1) return Math.floor(room / stride) + 1;
  return stopWith(
    call.evaluator.fail(
      errors.windowTooLarge(window, axis, padding, call.scope.roles, call.at),
      call.scope,
    ),
  );
}

// ---------------------------------------------------------------------------------------------- convolution

function convolve(call: IntrinsicCall): Value {
  const x = realTensorOf(call, "x");
  const kernel = realTensorOf(call, "kernel");
  const over = placesOver(call, x);
  const count = over.length;
  const ones = over.map(() => 1);
  const stride = countsOf(call, "stride", count, ones);
  const padding = countsOf(
    call,
    "padding",
    count,
    over.map(() => 0),
  );
  const dilation = countsOf(call, "dilation", count, ones);
  const groups = wholeOf(call, "groups", 1);
  const { weight, sum, out } = arranged(call, x, kernel, over);
  const inputs = x.axes[sum]!;
  const taken = weight.shape[count]!;
  if (inputs.size !== taken * groups || weight.shape[count + 1]! % groups !== 0) {
    stopWith(
      call.evaluator.fail(
        errors.channels(call.name, inputs, taken, groups, call.scope.roles, call.at),
        call.scope,
      ),
    );
  }
  const sizes = over.map((place, i) =>
    fits(call, x.axes[place]!, weight.shape[i]!, stride[i]!, padding[i]!, dilation[i]!),
  );
  const others = x.axes.flatMap((_, i) => (i === sum || over.includes(i) ? [] : [i]));
  const order = [...others, ...over, sum];
  const node = make(call, () => {
    const g = call.evaluator.builder;
    const moved = g.permute(x.node, order);
    const batch = others.reduce((product, i) => product * x.axes[i]!.size, 1);
    const flat = g.reshape(moved, [batch, ...over.map((i) => x.axes[i]!.size), inputs.size]);
    const result = g.convolve(flat, weight, {
      stride,
      padding: padding.map((each) => [each, each]),
      dilation,
      groups,
    });
    const full = g.reshape(result, [
      ...others.map((i) => x.axes[i]!.size),
      ...sizes,
      weight.shape[count + 1]!,
    ]);
    return g.permute(
      full,
      order.map((_, i) => order.indexOf(i)),
    );
  });
  const axes = x.axes.map((axis, i) => {
    if (i === sum) return out;
    const place = over.indexOf(i);
    return place === -1 ? axis : slid(call, axis, sizes[place]!);
  });
  return tensor(node, axes);
}

interface Arranged {
  /** [.. window, in / groups, out]. */
  readonly weight: Node;
  /** The place in x that is summed over. */
  readonly sum: number;
  readonly out: Axis;
}

/** The kernel in the order of the op: by place, or by the names that `window` and `sum` give. */
function arranged(
  call: IntrinsicCall,
  x: TensorValue,
  kernel: TensorValue,
  over: readonly number[],
): Arranged {
  if (!call.arguments.has("window")) {
    if (kernel.axes.length !== over.length + 2) {
      stopWith(
        call.evaluator.fail(
          errors.kernelRank(over.length, kernel, call.scope.roles, call.at),
          call.scope,
        ),
      );
    }
    const sum = call.arguments.has("sum") ? placeOf(call, "sum", x) : x.axes.length - 1;
    const out = {
      ...x.axes[sum]!,
      size: kernel.axes.at(-1)!.size,
      origin: { by: `\`${call.name}\``, at: call.at },
    };
    return { weight: kernel.node, sum, out };
  }
  const window = placesOf(call, "window", kernel);
  const sum = placeOf(call, "sum", x);
  const inner = axisOf(kernel.axes, x.axes[sum]!.role!);
  const rest = kernel.axes.flatMap((_, i) => (i === inner || window.includes(i) ? [] : [i]));
  if (inner === -1 || rest.length !== 1) {
    stopWith(
      call.evaluator.fail(
        errors.kernelRank(over.length, kernel, call.scope.roles, call.at),
        call.scope,
      ),
    );
  }
  const order = [...window, inner, rest[0]!];
  return {
    weight: make(call, () => call.evaluator.builder.permute(kernel.node, order)),
    sum,
    out: kernel.axes[rest[0]!]!,
  };
}

// ---------------------------------------------------------------------------------------------- pools and filters

/** Beyond the border a maximum sees less than any number in use; WebGPU knows no infinity. */
const lowest = -3e38;

function pool(call: IntrinsicCall, kind: "max" | "mean"): Value {
  const x = realTensorOf(call, "x");
  const axes = placesOver(call, x);
  const kernel = countsOf(call, "kernel", axes.length, []);
  const stride = countsOf(call, "stride", axes.length, kernel);
  const padding = countsOf(
    call,
    "padding",
    axes.length,
    axes.map(() => 0),
  );
  const sizes = axes.map((place, i) =>
    fits(call, x.axes[place]!, kernel[i]!, stride[i]!, padding[i]!, 1),
  );
  const node = make(call, () => {
    const g = call.evaluator.builder;
    const filler = kind === "max" ? lowest : 0;
    const windows = g.window(x.node, {
      axes,
      kernel,
      stride,
      before: padding,
      after: padding,
      filler,
    });
    const last = axes.map((_, i) => x.axes.length + i);
    return kind === "max" ? g.max(windows, last, "first") : g.mean(windows, last);
  });
  return tensor(node, resized(call, x, axes, sizes));
}

function resized(
  call: IntrinsicCall,
  x: TensorValue,
  places: readonly number[],
  sizes: readonly number[],
): readonly Axis[] {
  return x.axes.map((axis, i) => {
    const place = places.indexOf(i);
    return place === -1 ? axis : slid(call, axis, sizes[place]!);
  });
}

/** `filter([[1, 0, -1], …], over = (rows, cols))`: nested lists, one level an axis. */
function filter(call: IntrinsicCall): Value {
  const x = realTensorOf(call, "x");
  const axes = placesOf(call, "over", x);
  const { shape, numbers } = nested(call, valueOf(call, "numbers"));
  if (shape.length !== axes.length) {
    return call.evaluator.fail(errors.filterRank(shape.length, axes.length, call.at), call.scope);
  }
  const sizes = axes.map((place, i) => fits(call, x.axes[place]!, shape[i]!, 1, 0, 1));
  const node = make(call, () => {
    const g = call.evaluator.builder;
    const windows = g.window(x.node, { axes, kernel: shape });
    const last = axes.map((_, i) => x.axes.length + i);
    const weights = g.broadcast(g.values(numbers, shape), windows.shape, last);
    return g.sum(g.multiply(windows, weights), last);
  });
  return tensor(node, resized(call, x, axes, sizes));
}

function nested(
  call: IntrinsicCall,
  value: Value,
): { readonly shape: number[]; readonly numbers: number[] } {
  if (value.kind === "number") return { shape: [], numbers: [value.value] };
  const elements = elementsOf(value)?.map((each) => nested(call, each));
  const [first] = elements ?? [];
  if (
    elements === undefined ||
    first === undefined ||
    elements.some((each) => each.shape.join() !== first.shape.join())
  ) {
    return stopWith(call.evaluator.fail(errors.filterNumbers(call.at), call.scope));
  }
  return {
    shape: [elements.length, ...first.shape],
    numbers: elements.flatMap((each) => each.numbers),
  };
}
