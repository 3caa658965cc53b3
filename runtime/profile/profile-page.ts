// A profile as one HTML file that needs nothing else: the step as a line of time, its time by module as flames down to
// the kernels, and tables of kernels, equal layers together and one by one.
import type { KernelGroup } from "./kernel-groups.ts";
import type { Profile, ProfiledStep } from "./profile.ts";

export function profilePage(profile: Profile, title: string): string {
  const { steps, groups, sumMs, wholeMs, subject, device, batch, peak, repeats } = profile;
  const sorted = [...steps].sort((a, b) => b.ms - a.ms);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escaped(title)}</title>
<style>${style}</style>
<h1>${escaped(title)}</h1>
<p>One ${subject} at batch ${batch} on ${escaped(device)}: <b>${milliseconds(wholeMs)}</b> as a whole,
${milliseconds(sumMs)} step by step (medians of ${repeats}). At best the device does ${(peak.flops / 1e9).toFixed(1)} GFLOP/s
and moves ${(peak.bytes / 1e9).toFixed(1)} GB/s.</p>
<p class="legend">${kindsOf(steps)
    .map((kind) => `<span class="${kind}">${kind}</span>`)
    .join(" ")}</p>
<h2>In the order of the step</h2>
<p>Each step as wide as it takes, and filled as high as its share of what the device could do at best.</p>
<div class="line">${steps.map((step) => bar(step)).join("")}</div>
<div class="axis">${axis(sumMs)}</div>
<h2>By module</h2>
<div class="flames">${flames(moduleTree(steps), sumMs)}</div>
<h2>By kernel, equal layers together</h2>
<table>
<tr>${["ms", "share", "GFLOP/s", "GB/s", "of best", "steps"].map((each) => `<th class="n">${each}`).join("")}<th>limit<th>kernel<th>module<th>source</tr>
${groups.map((group) => row(group, sumMs, group)).join("\n")}
</table>
<details><summary>All ${steps.length} steps</summary>
<table>
<tr>${["ms", "share", "GFLOP/s", "GB/s", "of best"].map((each) => `<th class="n">${each}`).join("")}<th>limit<th>kernel<th>module<th>source</tr>
${sorted.map((step) => row(step, sumMs)).join("\n")}
</table>
</details>
</html>
`;
}

const kinds: readonly ProfiledStep["kind"][] = ["contraction", "attention", "loop", "scatter", "copy", "host"]; // prettier-ignore

function kindsOf(steps: readonly ProfiledStep[]): readonly ProfiledStep["kind"][] {
  return kinds.filter((kind) => steps.some((step) => step.kind === kind));
}

/** Names of cells that have no room for them are hidden; hovering shows them. */
const style = `
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #222; background: #fff }
h1 { font-size: 1.3rem } h2 { font-size: 1rem; margin: 2rem 0 .3rem } h2 + p { margin: 0 0 .5rem; color: #777 }
.contraction { --kind: #5b8fc9 } .attention { --kind: #b07cc0 } .loop { --kind: #e8a04b }
.scatter { --kind: #74b389 } .copy { --kind: #aaa } .host { --kind: #d9736b }
.legend span { padding: .1rem .6rem; border-radius: .2rem; background: var(--kind); color: #fff }
.line, .row { display: flex; width: 100%; overflow: hidden }
.line { align-items: stretch; height: 5rem; border-bottom: 1px solid #999; background: #f6f4f1 }
.line div { min-width: 0; background: linear-gradient(to top, var(--kind) var(--best), color-mix(in srgb, var(--kind) 25%, #fff) var(--best)) }
.line div:hover { outline: 2px solid #222; outline-offset: -2px }
.axis { display: flex; justify-content: space-between; color: #777; font-size: 12px }
.cell { min-width: 0; container-type: inline-size }
.cell > p { margin: 0 1px 1px 0; padding: 0 .3rem; height: 1.4rem; line-height: 1.4rem; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; font-size: 12px; background: #ece7df }
.cell > p.kernel { background: var(--kind); color: #fff }
.cell > p:hover { outline: 2px solid #222; outline-offset: -2px }
@container (max-width: 2.2rem) { .cell > p { padding: 0; color: transparent } }
@container (max-width: 5rem) { .cell > p.kernel { padding: 0; color: transparent } }
@container (max-width: 3px) { .cell > p { margin-right: 0 } }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .15rem .6rem .15rem 0; border-bottom: 1px solid #eee; white-space: nowrap }
th { color: #777; font-weight: 500 } .n { text-align: right }
td b { display: inline-block; width: .7rem; height: .7rem; border-radius: .15rem; background: var(--kind); margin-right: .4rem }
small { color: #777 } summary { margin-top: 1.5rem; cursor: pointer; font-weight: 600 }
`;

function bar(step: ProfiledStep): string {
  return `<div class="${step.kind}" style="flex:${weight(step.ms)};--best:${styled(step.ofPeak)}" title="${escaped(hover(step))}"></div>`;
}

function axis(sumMs: number): string {
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => milliseconds(share * sumMs));
  return marks.map((mark) => `<span>${mark}</span>`).join("");
}

function hover({ label, path, phase, ms, limit, ofPeak }: ProfiledStep): string {
  return `${label}  ${path}  ${phase}\n${milliseconds(ms)}, ${percent(ofPeak)} of the best, limit: ${limit}`;
}

function row(step: ProfiledStep, sumMs: number, group?: KernelGroup): string {
  const { ms, flops, bytes, ofPeak, limit, kind, label, path, phase, source = "" } = step;
  const numbers = [(flops / ms / 1e6).toFixed(1), (bytes / ms / 1e6).toFixed(1), percent(ofPeak)];
  const right = (cell: string) => `<td class="n">${cell}`;
  return [
    "<tr>",
    right(ms.toFixed(3)),
    right(percent(ms / sumMs)),
    ...[...numbers, ...(group === undefined ? [] : [String(group.count)])].map(right),
    `<td>${limit}`,
    `<td class="${kind}"><b></b>${escaped(label)}`,
    `<td>${escaped(path)} <small>${phase}</small>`,
    `<td>${escaped(source)}`,
    "</tr>",
  ].join("");
}

// ---- flames ----

interface Flame {
  readonly name: string;
  ms: number;
  /** Of a kernel, which has nothing inside. */
  readonly step?: ProfiledStep;
  readonly inner: Map<string, Flame>;
}

/** Phases, modules by the parts of their paths, kernels. */
function moduleTree(steps: readonly ProfiledStep[]): Flame {
  const root: Flame = { name: "step", ms: 0, inner: new Map() };
  steps.forEach((step, i) => {
    let at = root;
    root.ms += step.ms;
    for (const name of [step.phase, ...step.path.split(".").filter((part) => part !== "")]) {
      const next: Flame = at.inner.get(name) ?? { name, ms: 0, inner: new Map() };
      at.inner.set(name, next);
      next.ms += step.ms;
      at = next;
    }
    at.inner.set(`kernel ${i}`, { name: step.label, ms: step.ms, step, inner: new Map() });
  });
  return root;
}

function flames({ name, ms, step, inner }: Flame, sumMs: number): string {
  const title = step ? hover(step) : `${name}  ${milliseconds(ms)}, ${percent(ms / sumMs)}`;
  const shown = step ? `<p class="kernel ${step.kind}">` : "<p>";
  const below = [...inner.values()].map((each) => flames(each, sumMs)).join("");
  return `<div class="cell" style="flex:${weight(ms)}"><p${shown.slice(2, -1)} title="${escaped(title)}">${escaped(name)}</p>${below === "" ? "" : `<div class="row">${below}</div>`}</div>`;
}

/** Shares of a row: those of a flex box must not add up to less than 1, or the row is not filled. */
function weight(ms: number): string {
  return (ms * 1e6).toFixed(0);
}

function styled(share: number): string {
  return `${(Math.min(1, share) * 100).toFixed(1)}%`;
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
