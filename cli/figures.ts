// Numbers as people read them.

/** `86,567,656`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Three digits and a letter: `86.6M`, `17.6G`, `950`. */
export function short(value: number): string {
  for (const [scale, letter] of scales) {
    // 999_950 and more would show as 1000k.
    if (Math.abs(value) >= scale * 0.99995) return `${(value / scale).toPrecision(3)}${letter}`;
  }
  return Number.isInteger(value) ? String(value) : value.toPrecision(3);
}

const scales = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]] as const; // prettier-ignore

/** `1.5 MiB`. */
export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

const units: Readonly<Record<string, number>> = {
  B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12,
  KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40,
}; // prettier-ignore

/** `8GB`, `1.5 GiB` -> bytes; undefined for what is no size above 0. */
export function bytesOf(text: string): number | undefined {
  const [, amount, unit] = /^\s*([\d_]+(?:\.\d+)?)\s*([A-Za-z]+)\s*$/.exec(text) ?? [];
  const scale = unit === undefined ? undefined : units[unit];
  if (amount === undefined || scale === undefined) return undefined;
  const size = Math.floor(Number(amount.replaceAll("_", "")) * scale);
  return size > 0 ? size : undefined;
}

/** `5.2 s`, `2 min 05 s`, `1 h 04 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** `1 warning`, `2 warnings`. */
export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** The first names of a long list, and how many more there are. */
export function few(names: readonly string[], between: string): string {
  const more = names.length - 6;
  return [...names.slice(0, 6), ...(more > 0 ? [`and ${more} more`] : [])].join(between);
}
