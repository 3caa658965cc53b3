// WGSL functions that a kernel may call: what the built-in ones promise too little accuracy for, or leave undefined.
// Each is accurate to a few units in the last place over its range, and a NaN that goes in comes out again,
// so that a step that went wrong is seen. (WGSL 15.7.4 allows tanh and sin errors of 1e-5 and more.)
import { threefryParity, threefryRotations, threefryRounds } from "../ops/threefry.ts";

interface LibraryEntry {
  readonly needs: readonly LibraryFunction[];
  readonly text: string;
}

export type LibraryFunction =
  | "floor_divide"
  | "floor_modulo"
  | "remainder_f32"
  | "quotient_i32"
  | "quotient_u32"
  | "remainder_i32"
  | "remainder_u32"
  | "exponential"
  | "exponentials"
  | "logarithm"
  | "log_one_plus"
  | "exp_minus_one"
  | "hyperbolic_tangent"
  | "logistic"
  | "error_function"
  | "power"
  | "sine"
  | "cosine"
  | "arc_tangent"
  | "is_finite"
  | "round_f16"
  | "round_bf16"
  | "threefry";

/** The texts of these functions and of those they need, each once, needed ones first. */
export function libraryText(names: Iterable<LibraryFunction>): string[] {
  const texts = new Map<LibraryFunction, string>();
  const visit = (name: LibraryFunction): void => {
    if (texts.has(name)) return;
    LIBRARY[name].needs.forEach(visit);
    texts.set(name, LIBRARY[name].text.trim());
  };
  [...names].sort().forEach(visit);
  return [...texts.values()];
}

const LIBRARY: { readonly [name in LibraryFunction]: LibraryEntry } = {
  floor_divide: {
    needs: ["floor_modulo"],
    text: `
fn floor_divide(value: i32, by: i32) -> i32 { return (value - floor_modulo(value, by)) / by; }`,
  },
  floor_modulo: {
    needs: [],
    text: `
fn floor_modulo(value: i32, by: i32) -> i32 {
  let rest = value % by;
  return select(rest, rest + by, rest != 0 && (rest < 0) != (by < 0));
}`,
  },
  remainder_f32: {
    needs: [],
    text: `
fn remainder_f32(value: f32, by: f32) -> f32 {
  let rest = value - by * trunc(value / by);
  return select(rest, rest + by, rest != 0.0 && (rest < 0.0) != (by < 0.0));
}`,
  },
  quotient_i32: {
    needs: [],
    text: `
fn quotient_i32(value: i32, by: i32) -> i32 { return select(value / by, 0, by == 0); }`,
  },
  quotient_u32: {
    needs: [],
    text: `
fn quotient_u32(value: u32, by: u32) -> u32 { return select(value / by, 0u, by == 0u); }`,
  },
  remainder_i32: {
    needs: ["floor_modulo"],
    text: `
fn remainder_i32(value: i32, by: i32) -> i32 { return select(floor_modulo(value, by), 0, by == 0); }`,
  },
  remainder_u32: {
    needs: [],
    text: `
fn remainder_u32(value: u32, by: u32) -> u32 { return select(value % by, 0u, by == 0u); }`,
  },
  // Not a number is told by its bits: adapters may give any value for the exponential of it.
  exponential: {
    needs: [],
    text: `
fn exponential(x: f32) -> f32 {
  let isNumber = (bitcast<u32>(x) & 0x7fffffffu) <= 0x7f800000u;
  return select(x, select(exp(x), 0.0, x < -87.0), isNumber);
}`,
  },
  exponentials: {
    needs: [],
    text: `
fn exponentials(x: vec4f) -> vec4f {
  let isNumber = (bitcast<vec4u>(x) & vec4u(0x7fffffffu)) <= vec4u(0x7f800000u);
  return select(x, select(exp(x), vec4f(), x < vec4f(-87.0)), isNumber);
}`,
  },
  // x = 2^e m with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh((m - 1) / (m + 1)), exact near 1 where log(x) is small.
  logarithm: {
    needs: [],
    text: `
fn logarithm(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if (bits - 1u >= 0x7f7fffffu) {
    if (x == 0.0) { return bitcast<f32>(bits | 0xff800000u); }
    return bitcast<f32>(bits | 0x7fc00000u);
  }
  let exponent = i32(bits - 0x3f3504f3u) >> 23u;
  let m = bitcast<f32>(bits - (u32(exponent) << 23u));
  let s = (m - 1.0) / (m + 1.0);
  let z = s * s;
  let series = ((((0.1818181818 * z + 0.2222222222) * z + 0.2857142857) * z + 0.4) * z + 0.6666666667) * z;
  return f32(exponent) * 0.693147180559945 + (2.0 * s + s * series);
}`,
  },
  log_one_plus: {
    needs: ["logarithm"],
    text: `
fn log_one_plus(x: f32) -> f32 {
  if (abs(x) > 0.4) { return logarithm(1.0 + x); }
  let s = x / (2.0 + x);
  let z = s * s;
  let series = (((((0.1538461538 * z + 0.1818181818) * z + 0.2222222222) * z + 0.2857142857) * z + 0.4) * z + 0.6666666667) * z;
  return 2.0 * s + s * series;
}`,
  },
  exp_minus_one: {
    needs: ["exponential"],
    text: `
fn exp_minus_one(x: f32) -> f32 {
  if (abs(x) > 0.5) { return exponential(x) - 1.0; }
  let series = ((((((2.48015873e-5 * x + 1.98412698e-4) * x + 1.38888889e-3) * x + 8.33333333e-3) * x + 4.16666667e-2) * x + 0.166666667) * x + 0.5) * x;
  return x + x * series;
}`,
  },
  hyperbolic_tangent: {
    needs: ["exp_minus_one"],
    text: `
fn hyperbolic_tangent(x: f32) -> f32 {
  let size = select(abs(x), 9.1, abs(x) > 9.1);
  let t = exp_minus_one(2.0 * size);
  return select(1.0, -1.0, x < 0.0) * (t / (t + 2.0));
}`,
  },
  logistic: {
    needs: ["exponential"],
    text: `
fn logistic(x: f32) -> f32 {
  let t = exponential(-abs(x));
  return select(1.0, t, x < 0.0) / (1.0 + t);
}`,
  },
  // Rational minimax approximation on [-4, 4], as in Eigen and XLA.
  error_function: {
    needs: [],
    text: `
fn error_function(value: f32) -> f32 {
  let x = select(value, sign(value) * 4.0, abs(value) > 4.0);
  let z = x * x;
  let p = (((((-2.72614225801306e-10 * z + 2.77068142495902e-08) * z - 2.10102402082508e-06) * z - 5.69250639462346e-05) * z - 7.34990630326855e-04) * z - 2.95459980854025e-03) * z - 1.60960333262415e-02;
  let q = (((-1.45660718464996e-05 * z - 2.13374055278905e-04) * z - 1.68282697438203e-03) * z - 7.37332916720468e-03) * z - 1.42647390514189e-02;
  return x * p / q;
}`,
  },
  power: {
    needs: ["logarithm", "exponential"],
    text: `
fn power(x: f32, y: f32) -> f32 {
  if (y == 0.0) { return 1.0; }
  if (x == 0.0 && y > 0.0) { return 0.0; }
  let size = exponential(y * logarithm(abs(x)));
  if (x >= 0.0) { return size; }
  if (y != floor(y)) { return bitcast<f32>(bitcast<u32>(x) | 0x7fc00000u); }
  return select(size, -size, floor(y * 0.5) * 2.0 != y);
}`,
  },
  // Cody and Waite's reduction to [-pi/4, pi/4] in three parts, then the polynomials of Cephes; good to |x| < 8192.
  sine: {
    needs: [],
    text: `
fn quarter_turns(x: f32, shift: i32) -> f32 {
  let turns = round(x * 0.636619772367581);
  let r = fma(-turns, 7.54978995e-8, fma(-turns, 4.8375129699707e-4, fma(-turns, 1.5703125, x)));
  let z = r * r;
  let s = r + r * z * ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1);
  let c = 1.0 - 0.5 * z + z * z * ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2);
  let quadrant = (i32(turns) + shift) & 3;
  let size = select(s, c, (quadrant & 1) == 1);
  return select(size, -size, quadrant > 1);
}
fn sine(x: f32) -> f32 { return quarter_turns(x, 0); }`,
  },
  cosine: {
    needs: ["sine"],
    text: `
fn cosine(x: f32) -> f32 { return quarter_turns(x, 1); }`,
  },
  arc_tangent: {
    needs: [],
    text: `
fn arc_tangent(y: f32, x: f32) -> f32 {
  let low = min(abs(x), abs(y));
  let high = max(abs(x), abs(y));
  if (high == 0.0) { return 0.0; }
  let ratio = low / high;
  let shifted = ratio > 0.41421356;
  let t = select(ratio, (ratio - 1.0) / (ratio + 1.0), shifted);
  let z = t * t;
  let series = (((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1) * z;
  var angle = t + t * series + select(0.0, 0.785398163397448, shifted);
  angle = select(angle, 1.5707963267949 - angle, abs(y) > abs(x));
  angle = select(angle, 3.14159265358979 - angle, x < 0.0);
  return select(angle, -angle, y < 0.0);
}`,
  },
  is_finite: {
    needs: [],
    text: `
fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }`,
  },
  round_f16: {
    needs: [],
    text: `
fn round_f16(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let size = bits & 0x7fffffffu;
  let small = bitcast<u32>(round(abs(x) * 16777216.0) / 16777216.0);
  let normal = (size + 0xfffu + ((size >> 13u) & 1u)) & 0xffffe000u;
  let finite = select(normal, small, size < 0x38800000u);
  let beyond = select(0x7f800000u, 0x7fc00000u, size > 0x7f800000u);
  let rounded = select(finite, beyond, finite >= 0x47800000u);
  return bitcast<f32>(rounded | (bits & 0x80000000u));
}`,
  },
  round_bf16: {
    needs: [],
    text: `
fn round_bf16(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let rounded = (bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u;
  return bitcast<f32>(select(rounded, bits | 0x400000u, (bits & 0x7fffffffu) > 0x7f800000u));
}`,
  },
  threefry: { needs: [], text: threefryText() },
};

/** First word of threefry2x32 (see `ops/threefry.ts`), its rounds written out. */
function threefryText(): string {
  const keys = ["key0", "key1", "key2"];
  const rounds = Array.from({ length: threefryRounds }, (_, round) => {
    const distance = threefryRotations[round % threefryRotations.length]!;
    const mix = `  x += y; y = ((y << ${distance}u) | (y >> ${32 - distance}u)) ^ x;`;
    if (round % 4 !== 3) return mix;
    const j = (round + 1) / 4;
    return `${mix}\n  x += ${keys[j % 3]}; y += ${keys[(j + 1) % 3]} + ${j}u;`;
  });
  return `
fn threefry(key0: u32, key1: u32, counter: u32) -> u32 {
  let key2 = key0 ^ key1 ^ ${threefryParity}u;
  var x = counter + key0;
  var y = key1;
${rounds.join("\n")}
  return x;
}`;
}
