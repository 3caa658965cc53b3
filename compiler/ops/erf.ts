// The error function in double precision: W. J. Cody, "Rational Chebyshev approximations for the error function",
// Math. Comp. 23 (1969), with the coefficients of his CALERF; relative error below 1e-15.

const small = {
  numerator: [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694], // prettier-ignore
  denominator: [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171], // prettier-ignore
};
const middle = {
  numerator: [2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972], // prettier-ignore
  denominator: [1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597, 4362.619090143247, 3439.3676741437216, 1230.3393548037495], // prettier-ignore
};
const large = {
  numerator: [0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275, 0.0006587491615298378], // prettier-ignore
  denominator: [1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918], // prettier-ignore
};

/** Coefficients from the highest power down. */
function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0;
  for (const coefficient of coefficients) value = value * x + coefficient;
  return value;
}

function ratio(
  of: { readonly numerator: readonly number[]; readonly denominator: readonly number[] },
  x: number,
): number {
  return polynomial(of.numerator, x) / polynomial(of.denominator, x);
}

export function erf(x: number): number {
  const size = Math.abs(x);
  if (size <= 0.46875) return x * ratio(small, x * x);
  return Math.sign(x) * (1 - complement(size));
}

/** 1 - erf(x) for x > 0.46875. */
function complement(x: number): number {
  if (x > 6) return 0;
  if (x <= 4) return Math.exp(-x * x) * ratio(middle, x);
  const inverseSquare = 1 / (x * x);
  const tail = 1 / Math.sqrt(Math.PI) - inverseSquare * ratio(large, inverseSquare);
  return (Math.exp(-x * x) / x) * tail;
}
