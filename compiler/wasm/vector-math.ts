// exp, log, tanh, erf and the like for four f32 at once: range reduction and a polynomial, 1 to 3 units in the last place.
// Right at the extremes: exp(-large) is 0, exp(large) infinity, NaN stays NaN.
// Coefficients: Cephes (S. Moshier) for exp, log, sin, cos, atan; Eigen's rational fits for tanh and erf.
import { threefryParity, threefryRotations, threefryRounds } from "../ops/threefry.ts";
import type { FunctionBuilder, Local } from "./function-builder.ts";

/** sum of coefficients[i] * x^(n - 1 - i): highest power first (Horner). */
function polynomial(f: FunctionBuilder, x: Local, coefficients: readonly number[]): Local {
  return coefficients
    .slice(1)
    .reduce((sum, next) => f.multiplyAdd(sum, x, f.f32x4(next)), f.f32x4(coefficients[0]!));
}

function select(f: FunctionBuilder, condition: Local, yes: Local, no: Local): Local {
  return f.emit("v128.bitselect", yes, no, condition);
}

/** `magnitude` with the sign of `sign`; the magnitude must not be negative. */
function copySign(f: FunctionBuilder, magnitude: Local, sign: Local): Local {
  return f.emit("v128.or", magnitude, f.emit("v128.and", sign, f.i32x4(0x80000000)));
}

/** x = n ln 2 + r, exp(x) = 2^n exp(r). Adding 1.5 * 2^23 + 127 rounds n and leaves 2^n's exponent in the low bits. */
export function exp(f: FunctionBuilder, x: Local): Local {
  const scaled = f.emit("f32x4.mul", x, f.f32x4(Math.LOG2E));
  // pmin and pmax are one machine instruction each, and keep a NaN that comes first.
  const above = f.emit("f32x4.pmax", scaled, f.f32x4(-126));
  const clamped = f.emit("f32x4.pmin", above, f.f32x4(127));
  const magic = f.f32x4(12582912 + 127);
  const shifted = f.emit("f32x4.add", clamped, magic);
  const n = f.emit("f32x4.sub", shifted, magic);
  const high = f.multiplyAdd(n, f.f32x4(-0.693359375), x);
  const r = f.multiplyAdd(n, f.f32x4(2.1219444e-4), high);
  const p = polynomial(f, r, [
    1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
    5.0000001201e-1,
  ]); // prettier-ignore
  const grown = f.multiplyAdd(p, f.emit("f32x4.mul", r, r), r);
  const value = f.emit("f32x4.add", grown, f.f32x4(1));
  const result = f.emit("f32x4.mul", value, f.emit("i32x4.shl", shifted, 23));
  // Below, the polynomial is no longer near: the true value is less than the smallest normal number.
  return f.emit("v128.andnot", result, f.emit("f32x4.lt", x, f.f32x4(-88)));
}

/** x = 2^e m, m in [sqrt(1/2), sqrt(2)): log(x) = e ln 2 + log(m). */
export function log(f: FunctionBuilder, x: Local): Local {
  const isTiny = f.emit("f32x4.lt", x, f.f32x4(2 ** -126));
  const normal = select(f, isTiny, f.emit("f32x4.mul", x, f.f32x4(2 ** 23)), x);
  const bits = f.emit("i32x4.sub", normal, f.i32x4(0x3f3504f3));
  const exponent = f.emit("i32x4.shr_s", bits, 23);
  const mantissa = f.emit("i32x4.sub", normal, f.emit("i32x4.shl", exponent, 23));
  const shift = f.emit("v128.and", isTiny, f.f32x4(23));
  const e = f.emit("f32x4.sub", f.emit("f32x4.convert_i32x4_s", exponent), shift);
  const r = f.emit("f32x4.sub", mantissa, f.f32x4(1));
  const square = f.emit("f32x4.mul", r, r);
  const p = polynomial(f, r, [
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
  ]); // prettier-ignore
  const cubic = f.emit("f32x4.mul", f.emit("f32x4.mul", r, square), p);
  const low = f.multiplyAdd(e, f.f32x4(-2.1219444e-4), cubic);
  const tail = f.multiplyAdd(square, f.f32x4(-0.5), low);
  const value = f.multiplyAdd(e, f.f32x4(0.693359375), f.emit("f32x4.add", r, tail));
  // log(0) = -inf, log(inf) = inf, log of a negative number or NaN = NaN.
  const atZero = select(f, f.emit("f32x4.eq", x, f.f32x4(0)), f.f32x4(-Infinity), value);
  const atInfinity = select(f, f.emit("f32x4.eq", x, f.f32x4(Infinity)), x, atZero);
  const isValid = f.emit("f32x4.ge", x, f.f32x4(0));
  return select(f, isValid, atInfinity, f.f32x4(NaN));
}

/** Kahan: log(u) x / (u - 1) with u = 1 + x makes up for the rounding of u. */
export function log1p(f: FunctionBuilder, x: Local): Local {
  const u = f.emit("f32x4.add", x, f.f32x4(1));
  const change = f.emit("f32x4.sub", u, f.f32x4(1));
  const ratio = f.emit("f32x4.mul", log(f, u), f.emit("f32x4.div", x, change));
  const isSmall = f.emit("f32x4.eq", change, f.f32x4(0));
  const isInfinite = f.emit("f32x4.eq", x, f.f32x4(Infinity));
  const isMinusOne = f.emit("f32x4.eq", u, f.f32x4(0));
  const near = select(f, isSmall, x, ratio);
  return select(f, isMinusOne, f.f32x4(-Infinity), select(f, isInfinite, x, near));
}

export function expm1(f: FunctionBuilder, x: Local): Local {
  const p = polynomial(f, x, [
    1 / 362880, 1 / 40320, 1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5,
  ]); // prettier-ignore
  const near = f.multiplyAdd(p, f.emit("f32x4.mul", x, x), x);
  const far = f.emit("f32x4.sub", exp(f, x), f.f32x4(1));
  const isNear = f.emit("f32x4.lt", f.emit("f32x4.abs", x), f.f32x4(0.5));
  return select(f, isNear, near, far);
}

export function sigmoid(f: FunctionBuilder, x: Local): Local {
  const e = exp(f, f.emit("f32x4.neg", x));
  return f.emit("f32x4.div", f.f32x4(1), f.emit("f32x4.add", e, f.f32x4(1)));
}

/** x P(x^2) / Q(x^2), highest powers first: one division, no branches, half the work of exp and a select. */
function oddRatio(
  f: FunctionBuilder,
  x: Local,
  upper: readonly number[],
  lower: readonly number[],
): Local {
  const square = f.emit("f32x4.mul", x, x);
  const numerator = f.emit("f32x4.mul", x, polynomial(f, square, upper));
  return f.emit("f32x4.div", numerator, polynomial(f, square, lower));
}

/** Keeps a NaN, as pmin and pmax do for their first operand. */
function clamp(f: FunctionBuilder, x: Local, bound: number): Local {
  return f.emit("f32x4.pmin", f.emit("f32x4.pmax", x, f.f32x4(-bound)), f.f32x4(bound));
}

export function tanh(f: FunctionBuilder, x: Local): Local {
  const bounded = clamp(f, x, 7.90531110763549805);
  const ratio = oddRatio(
    f,
    bounded,
    [-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8, 1.48572235717979e-5, 6.37261928875436e-4, 4.89352455891786e-3],
    [1.19825839466702e-6, 1.18534705686654e-4, 2.268434632439e-3, 4.89352518554385e-3],
  ); // prettier-ignore
  const isTiny = f.emit("f32x4.lt", f.emit("f32x4.abs", x), f.f32x4(0.0004));
  return select(f, isTiny, x, ratio);
}

export function erf(f: FunctionBuilder, x: Local): Local {
  return oddRatio(
    f,
    clamp(f, x, 4),
    [-2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5, -7.34990630326855e-4, -2.95459980854025e-3, -1.60960333262415e-2],
    [-1.45660718464996e-5, -2.13374055278905e-4, -1.68282697438203e-3, -7.37332916720468e-3, -1.42647390514189e-2],
  ); // prettier-ignore
}

/** x - n pi / 2, in three parts of pi / 2 (Cody and Waite); good up to a few ten thousand. */
function reduceQuarter(f: FunctionBuilder, x: Local): { readonly r: Local; readonly n: Local } {
  const n = f.emit("f32x4.nearest", f.emit("f32x4.mul", x, f.f32x4(2 / Math.PI)));
  const r1 = f.multiplyAdd(n, f.f32x4(-1.5703125), x);
  const r2 = f.multiplyAdd(n, f.f32x4(-4.837512969970703e-4), r1);
  const r = f.multiplyAdd(n, f.f32x4(-7.549789954891882e-8), r2);
  return { r, n: f.emit("i32x4.trunc_sat_f32x4_s", n) };
}

function sineOfQuarter(f: FunctionBuilder, r: Local, quarter: Local): Local {
  const square = f.emit("f32x4.mul", r, r);
  const s = polynomial(f, square, [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]);
  const sine = f.multiplyAdd(f.emit("f32x4.mul", s, square), r, r);
  const c = polynomial(
    f,
    square,
    [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2],
  );
  const half = f.multiplyAdd(square, f.f32x4(-0.5), f.f32x4(1));
  const cosine = f.multiplyAdd(f.emit("f32x4.mul", square, square), c, half);
  const isOdd = f.emit("i32x4.ne", f.emit("v128.and", quarter, f.i32x4(1)), f.i32x4(0));
  const sign = f.emit("i32x4.shl", f.emit("v128.and", quarter, f.i32x4(2)), 30);
  return f.emit("v128.xor", select(f, isOdd, cosine, sine), sign);
}

export function sin(f: FunctionBuilder, x: Local): Local {
  const { r, n } = reduceQuarter(f, x);
  return sineOfQuarter(f, r, n);
}

export function cos(f: FunctionBuilder, x: Local): Local {
  const { r, n } = reduceQuarter(f, x);
  return sineOfQuarter(f, r, f.emit("i32x4.add", n, f.i32x4(1)));
}

/** atan of t in [0, 1]. */
function arctangent(f: FunctionBuilder, t: Local): Local {
  const isLarge = f.emit("f32x4.gt", t, f.f32x4(Math.SQRT2 - 1));
  const turned = f.emit(
    "f32x4.div",
    f.emit("f32x4.sub", t, f.f32x4(1)),
    f.emit("f32x4.add", t, f.f32x4(1)),
  );
  const r = select(f, isLarge, turned, t);
  const square = f.emit("f32x4.mul", r, r);
  const p = polynomial(
    f,
    square,
    [8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1],
  );
  const near = f.multiplyAdd(f.emit("f32x4.mul", p, square), r, r);
  return f.emit("f32x4.add", near, f.emit("v128.and", isLarge, f.f32x4(Math.PI / 4)));
}

export function atan2(f: FunctionBuilder, y: Local, x: Local): Local {
  const across = f.emit("f32x4.abs", x);
  const up = f.emit("f32x4.abs", y);
  const larger = f.emit("f32x4.max", across, up);
  const smaller = f.emit("f32x4.min", across, up);
  const isOrigin = f.emit("f32x4.eq", larger, f.f32x4(0));
  const ratio = f.emit("v128.andnot", f.emit("f32x4.div", smaller, larger), isOrigin);
  const base = arctangent(f, ratio);
  const isSteep = f.emit("f32x4.gt", up, across);
  const steep = f.emit("f32x4.sub", f.f32x4(Math.PI / 2), base);
  const first = select(f, isSteep, steep, base);
  const isLeft = f.emit("i32x4.lt_s", x, f.i32x4(0));
  const left = f.emit("f32x4.sub", f.f32x4(Math.PI), first);
  return copySign(f, select(f, isLeft, left, first), y);
}

/** log of a positive normal f32, as two f64: 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.172. */
function logWide(f: FunctionBuilder, mantissa: Local, exponent: Local): Local {
  const m = f.emit("f64x2.promote_low_f32x4", mantissa);
  const e = f.emit("f64x2.promote_low_f32x4", exponent);
  const one = f.f64x2(1);
  const s = f.emit("f64x2.div", f.emit("f64x2.sub", m, one), f.emit("f64x2.add", m, one));
  const square = f.emit("f64x2.mul", s, s);
  let sum = f.f64x2(2 / 15);
  for (const odd of [13, 11, 9, 7, 5, 3, 1])
    sum = f.emit("f64x2.add", f.emit("f64x2.mul", sum, square), f.f64x2(2 / odd));
  return f.emit(
    "f64x2.add",
    f.emit("f64x2.mul", sum, s),
    f.emit("f64x2.mul", e, f.f64x2(Math.LN2)),
  );
}

/** exp of two f64, as two f32 in the lower lanes: overflow and underflow come with the rounding to f32. */
function expWide(f: FunctionBuilder, x: Local): Local {
  const bounded = f.emit("f64x2.max", f.emit("f64x2.min", x, f.f64x2(200)), f.f64x2(-200));
  const n = f.emit("f64x2.nearest", f.emit("f64x2.mul", bounded, f.f64x2(Math.LOG2E)));
  const r = f.emit("f64x2.sub", bounded, f.emit("f64x2.mul", n, f.f64x2(Math.LN2)));
  let factorial = 3628800;
  let sum = f.f64x2(1 / factorial);
  for (let power = 10; power >= 1; power--) {
    factorial /= power;
    sum = f.emit("f64x2.add", f.emit("f64x2.mul", sum, r), f.f64x2(1 / factorial));
  }
  const whole = f.emit("i64x2.extend_low_i32x4_s", f.emit("i32x4.trunc_sat_f64x2_s_zero", n));
  const scale = f.emit("i64x2.shl", f.emit("i64x2.add", whole, f.i32x4(1023, 0, 1023, 0)), 52);
  return f.emit("f32x4.demote_f64x2_zero", f.emit("f64x2.mul", sum, scale));
}

/**
 * x ** y through f64, so that a large y does not magnify the logarithm's rounding.
 * A negative x needs an integer y (else NaN); anything ** 0 is 1.
 */
export function power(f: FunctionBuilder, x: Local, y: Local): Local {
  const size = f.emit("f32x4.abs", x);
  const isTiny = f.emit("f32x4.lt", size, f.f32x4(2 ** -126));
  const normal = select(f, isTiny, f.emit("f32x4.mul", size, f.f32x4(2 ** 23)), size);
  const exponent = f.emit("i32x4.shr_s", f.emit("i32x4.sub", normal, f.i32x4(0x3f3504f3)), 23);
  const mantissa = f.emit("i32x4.sub", normal, f.emit("i32x4.shl", exponent, 23));
  const shift = f.emit("v128.and", isTiny, f.f32x4(23));
  const e = f.emit("f32x4.sub", f.emit("f32x4.convert_i32x4_s", exponent), shift);
  const half = (of: Local): Local => f.shuffle(of, of, [2, 3, 2, 3]);
  const part = (m: Local, ex: Local, yy: Local): Local => {
    const product = f.emit("f64x2.mul", logWide(f, m, ex), f.emit("f64x2.promote_low_f32x4", yy));
    return expWide(f, product);
  };
  const low = part(mantissa, e, y);
  const high = part(half(mantissa), half(e), half(y));
  const ordinary = f.shuffle(low, high, [0, 1, 4, 5]);
  return powerExtremes(f, x, y, size, ordinary);
}

function powerExtremes(
  f: FunctionBuilder,
  x: Local,
  y: Local,
  size: Local,
  ordinary: Local,
): Local {
  const zero = f.f32x4(0);
  const one = f.f32x4(1);
  const rises = f.emit("f32x4.gt", y, zero);
  const atZero = select(f, rises, zero, f.f32x4(Infinity));
  const atInfinity = select(f, rises, f.f32x4(Infinity), zero);
  const magnitude = select(
    f,
    f.emit("f32x4.eq", size, zero),
    atZero,
    select(f, f.emit("f32x4.eq", size, f.f32x4(Infinity)), atInfinity, ordinary),
  );
  const isWhole = f.emit("f32x4.eq", f.emit("f32x4.floor", y), y);
  const halved = f.emit("f32x4.mul", y, f.f32x4(0.5));
  const isOdd = f.emit(
    "v128.and",
    isWhole,
    f.emit("f32x4.ne", f.emit("f32x4.floor", halved), halved),
  );
  const sign = f.emit("v128.and", f.emit("v128.and", x, f.i32x4(0x80000000)), isOdd);
  const signed = f.emit("v128.or", magnitude, sign);
  const isLost = f.emit("v128.andnot", f.emit("f32x4.lt", x, zero), isWhole);
  const whenReal = select(f, isLost, f.f32x4(NaN), signed);
  const isNumber = f.emit("v128.and", f.emit("f32x4.eq", x, x), f.emit("f32x4.eq", y, y));
  const result = select(f, isNumber, whenReal, f.f32x4(NaN));
  return select(f, f.emit("f32x4.eq", y, zero), one, result);
}

/** The first word of threefry2x32 (see `ops/threefry.ts`) for four counters (index, 0). */
export function threefry(f: FunctionBuilder, key0: Local, key1: Local, index: Local): Local {
  const both = f.emit("v128.xor", key0, key1);
  const keys = [key0, key1, f.emit("v128.xor", both, f.i32x4(threefryParity))];
  let a = f.emit("i32x4.add", index, key0);
  let b = key1;
  for (let round = 0; round < threefryRounds; round++) {
    const distance = threefryRotations[round % threefryRotations.length]!;
    a = f.emit("i32x4.add", a, b);
    const left = f.emit("i32x4.shl", b, distance);
    const right = f.emit("i32x4.shr_u", b, 32 - distance);
    b = f.emit("v128.xor", f.emit("v128.or", left, right), a);
    if (round % 4 !== 3) continue;
    const j = (round + 1) / 4;
    a = f.emit("i32x4.add", a, keys[j % 3]!);
    b = f.emit("i32x4.add", b, f.emit("i32x4.add", keys[(j + 1) % 3]!, f.i32x4(j)));
  }
  return a;
}
