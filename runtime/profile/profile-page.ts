// A profile as one HTML file that needs nothing else: the step as a line of time, and its time by module as flames.
import type { Profile, ProfiledStep } from "./profile.ts";

export function profilePage(profile: Profile, title: string): string {
  const { steps, sumMs, wholeMs, subject, device, batch } = profile;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escaped(title)}</title>
<style>${style}</style>
<h1>${escaped(title)}</h1>
<p>One ${subject} at batch ${batch} on ${escaped(device)}: ${milliseconds(wholeMs)} as a whole,
${milliseconds(sumMs)} step by step. At best the device does ${(profile.peak.flops / 1e9).toFixed(1)} GFLOP/s
and moves ${(profile.peak.bytes / 1e9).toFixed(1)} GB/s.</p>
<p class="legend">${kinds.map((kind) => `<span class="${kind}">${kind}</span>`).join(" ")}</p>
<h2>In the order of the step</h2>
<div class="line">${steps.map((step) => bar(step, sumMs)).join("")}</div>
<h2>By module</h2>
<div class="flames">${flames(moduleTree(steps), sumMs)}</div>
<h2>Steps</h2>
<table>
<tr><th>ms<th>share<th>GFLOP/s<th>GB/s<th>of best<th>limit<th>kernel<th>module<th>source</tr>
${[...steps]
  .sort((a, b) => b.ms - a.ms)
  .map((step) => row(step, sumMs))
  .join("\n")}
</table>
</html>
`;
}

const kinds: readonly ProfiledStep["kind"][] = ["contraction", "attention", "loop", "scatter", "copy", "host"]; // prettier-ignore

const style = `
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #222 }
h1 { font-size: 1.3rem } h2 { font-size: 1rem; margin-top: 2rem }
.line, .row { display: flex; width: 100%; overflow: hidden }
.line div { height: 3rem } .line div, .cell { box-sizing: border-box; border-right: 1px solid #fff; min-width: 0 }
.cell > p { margin: 0; padding: 0 .3rem; height: 1.5rem; overflow: hidden; white-space: nowrap; font-size: 12px; background: #ece7df; border-bottom: 1px solid #fff }
.legend span { padding: .1rem .5rem; border-radius: .2rem }
.contraction { background: #7fa8d6 } .attention { background: #c79bd1 } .loop { background: #f0b76b }
.scatter { background: #8fc4a2 } .copy { background: #bbb } .host { background: #e08b84 }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .15rem .6rem .15rem 0; border-bottom: 1px solid #eee; white-space: nowrap }
td:nth-child(-n+5) { text-align: right }
`;

function bar(step: ProfiledStep, sumMs: number): string {
  return `<div class="${step.kind}" style="flex:${step.ms / sumMs}" title="${escaped(hover(step))}"></div>`;
}

function hover({ label, path, phase, ms, limit, ofPeak }: ProfiledStep): string {
  return `${label}  ${path}  ${phase}\n${milliseconds(ms)}, ${percent(ofPeak)} of the best, limit: ${limit}`;
}

function row(step: ProfiledStep, sumMs: number): string {
  const { ms, flops, bytes, ofPeak, limit, kind, label, path, phase, source = "" } = step;
  const cells = [
    ms.toFixed(3),
    percent(ms / sumMs),
    (flops / ms / 1e6).toFixed(1),
    (bytes / ms / 1e6).toFixed(1),
    percent(ofPeak),
    limit,
    `<span class="${kind}">&nbsp;</span> ${escaped(label)}`,
    `${escaped(path)} <small>${phase}</small>`,
    escaped(source),
  ];
  return `<tr>${cells.map((cell) => `<td>${cell}`).join("")}</tr>`;
}

// ---- flames ----

interface Flame {
  readonly name: string;
  ms: number;
  readonly inner: Map<string, Flame>;
}

/** Phases, then modules by the parts of their paths. */
function moduleTree(steps: readonly ProfiledStep[]): Flame {
  const root: Flame = { name: "step", ms: 0, inner: new Map() };
  for (const { path, phase, ms } of steps) {
    let at = root;
    root.ms += ms;
    for (const name of [phase, ...path.split(".").filter((part) => part !== "")]) {
      const next: Flame = at.inner.get(name) ?? { name, ms: 0, inner: new Map() };
      at.inner.set(name, next);
      next.ms += ms;
      at = next;
    }
  }
  return root;
}

function flames(flame: Flame, sumMs: number): string {
  const title = `${flame.name}  ${milliseconds(flame.ms)}, ${percent(flame.ms / sumMs)}`;
  const inner = [...flame.inner.values()].map((each) => flames(each, sumMs));
  const own = flame.ms - [...flame.inner.values()].reduce((sum, { ms }) => sum + ms, 0);
  const rest = own > 0 ? `<div class="cell" style="flex:${own / flame.ms}"></div>` : "";
  const below = inner.length === 0 ? "" : `<div class="row">${inner.join("")}${rest}</div>`;
  return `<div class="cell" style="flex:${flame.ms}" title="${escaped(title)}"><p>${escaped(flame.name)}</p>${below}</div>`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
