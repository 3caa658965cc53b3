// Small dense matrices in double for the generators: products, Kronecker products, solving, pseudo-inverse.

export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly values: Float64Array;
}

export function matrix(
  rows: number,
  cols: number,
  at: (row: number, col: number) => number,
): Matrix {
  const values = new Float64Array(rows * cols);
  for (let row = 0; row < rows; row++)
    for (let col = 0; col < cols; col++) values[row * cols + col] = at(row, col);
  return { rows, cols, values };
}

export function transpose(a: Matrix): Matrix {
  return matrix(a.cols, a.rows, (row, col) => a.values[col * a.cols + row]!);
}

export function product(a: Matrix, b: Matrix): Matrix {
  return matrix(a.rows, b.cols, (row, col) => {
    let sum = 0;
    for (let k = 0; k < a.cols; k++)
      sum += a.values[row * a.cols + k]! * b.values[k * b.cols + col]!;
    return sum;
  });
}

/** Acts on a row-major grid: a on rows, b on columns. */
export function kronecker(a: Matrix, b: Matrix): Matrix {
  return matrix(a.rows * b.rows, a.cols * b.cols, (row, col) => {
    const [rowA, rowB] = [Math.floor(row / b.rows), row % b.rows];
    const [colA, colB] = [Math.floor(col / b.cols), col % b.cols];
    return a.values[rowA * a.cols + colA]! * b.values[rowB * b.cols + colB]!;
  });
}

/** Moore-Penrose inverse of a matrix of full rank: by the normal equations of its shorter side. */
export function pseudoInverse(a: Matrix): Matrix {
  const turned = transpose(a);
  return a.rows >= a.cols
    ? solve(product(turned, a), turned)
    : transpose(solve(product(a, turned), a));
}

/** x with a x = b, by elimination with the largest pivot. @throws where a is singular. */
function solve(a: Matrix, b: Matrix): Matrix {
  const size = a.rows;
  const [left, right] = [a.values.slice(), b.values.slice()];
  const swap = (of: Float64Array, cols: number, i: number, j: number): void => {
    for (let col = 0; col < cols; col++) [of[i * cols + col], of[j * cols + col]] = [of[j * cols + col]!, of[i * cols + col]!]; // prettier-ignore
  };
  const subtractRow = (
    of: Float64Array,
    cols: number,
    from: number,
    row: number,
    factor: number,
  ): void => {
    for (let col = 0; col < cols; col++) of[from * cols + col]! -= factor * of[row * cols + col]!;
  };
  for (let step = 0; step < size; step++) {
    let pivot = step;
    for (let row = step + 1; row < size; row++)
      if (Math.abs(left[row * size + step]!) > Math.abs(left[pivot * size + step]!)) pivot = row;
    if (Math.abs(left[pivot * size + step]!) < 1e-12)
      throw new Error("the matrix is not of full rank");
    swap(left, size, step, pivot);
    swap(right, b.cols, step, pivot);
    for (let row = 0; row < size; row++) {
      if (row === step) continue;
      const factor = left[row * size + step]! / left[step * size + step]!;
      subtractRow(left, size, row, step, factor);
      subtractRow(right, b.cols, row, step, factor);
    }
  }
  return matrix(size, b.cols, (row, col) => right[row * b.cols + col]! / left[row * size + row]!);
}
