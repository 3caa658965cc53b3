// A whole number with its digits in groups of three, for people: `86,567,656`.
// Not by `toLocaleString`: the first use of that loads the engine's tables of languages, a tenth of a small compilation.

export function groupedDigits(whole: number, separator = ","): string {
  return String(whole).replace(/\B(?=(\d{3})+$)/g, separator);
}
