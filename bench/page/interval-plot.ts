// Rows with a value and an interval around it -> an SVG of dots and whiskers on one axis, logarithmic where the values
// are far apart.

export interface PlotRow {
  readonly label: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly text: string;
  /** Drawn in colour. */
  readonly isOwn: boolean;
}

export interface Plot {
  readonly title: string;
  /** Under the axis, with its unit. */
  readonly axis: string;
  readonly rows: readonly PlotRow[];
}

const [width, left, right, top, rowHeight] = [760, 240, 100, 40, 26] as const;
const [ink, faint, own, other] = ["#222", "#ddd", "#1f6fb2", "#777"] as const;

export function intervalPlot({ title, axis, rows }: Plot): string {
  const bottom = top + rows.length * rowHeight;
  const { at, ticks } = scaleOf(rows.flatMap(({ low, value, high }) => [low, value, high]));
  const x = (value: number) => round(left + at(value) * (width - left - right));
  const grid = ticks.flatMap((tick) => [
    `<line x1="${x(tick)}" y1="${top - 8}" x2="${x(tick)}" y2="${bottom}" stroke="${faint}"/>`,
    `<text x="${x(tick)}" y="${bottom + 16}" text-anchor="middle" fill="${other}">${short(tick)}</text>`,
  ]);
  const marks = rows.flatMap((row, i) => {
    const y = top + (i + 0.5) * rowHeight;
    const color = row.isOwn ? own : other;
    const weight = row.isOwn ? ` font-weight="600"` : "";
    return [
      `<text x="${left - 12}" y="${y + 4}" text-anchor="end"${weight}>${escaped(row.label)}</text>`,
      `<line x1="${x(row.low)}" y1="${y}" x2="${x(row.high)}" y2="${y}" stroke="${color}" stroke-width="5" stroke-opacity="0.4" stroke-linecap="round"/>`,
      `<circle cx="${x(row.value)}" cy="${y}" r="5" fill="${color}"/>`,
      `<text x="${width - right + 14}" y="${y + 4}"${weight}>${escaped(row.text)}</text>`,
    ];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${bottom + 44}" viewBox="0 0 ${width} ${bottom + 44}" font-family="system-ui, sans-serif" font-size="13" fill="${ink}">
<rect width="100%" height="100%" fill="#fff"/>
<text x="16" y="22" font-size="15" font-weight="600">${escaped(title)}</text>
${[...grid, ...marks].join("\n")}
<text x="${round((left + width - right) / 2)}" y="${bottom + 36}" text-anchor="middle" fill="${other}">${escaped(axis)}</text>
</svg>
`;
}

/** Where a value lies between 0 and 1, and round values to mark. */
function scaleOf(values: readonly number[]): {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
} {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (most < 8 * least || least <= 0) {
    const step = roundStep(most / 4);
    const end = Math.ceil(most / step) * step;
    const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step);
    return { at: (value) => value / end, ticks };
  }
  const [from, to] = [Math.log10(least / 1.3), Math.log10(most * 1.2)];
  const decades = Array.from({ length: Math.ceil(to) - Math.floor(from) + 1 }, (_, i) => 10 ** (Math.floor(from) + i)); // prettier-ignore
  const candidates = decades.flatMap((decade) => (to - from > 2.5 ? [decade] : [decade, 2 * decade, 5 * decade])); // prettier-ignore
  return {
    at: (value) => (Math.log10(value) - from) / (to - from),
    ticks: candidates.filter((tick) => Math.log10(tick) >= from && Math.log10(tick) <= to),
  };
}

/** 1, 2 or 5 times a power of ten. */
function roundStep(wanted: number): number {
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= wanted) ?? 10 * power;
}

function short(value: number): string {
  return value >= 1000 ? value.toLocaleString("en-US") : String(Number(value.toPrecision(3)));
}

const round = (value: number) => Number(value.toFixed(1));

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
