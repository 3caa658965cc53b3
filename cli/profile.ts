// `vit profile FILE:NAME@VARIANT`: where the time of a training step or a forward pass goes, kernel by kernel.
import { writeFileSync } from "node:fs";
import { catalog } from "../runtime/data/catalog.ts";
import { openChosenDevice } from "../runtime/device/chosen-device.ts";
import type { ChosenDevice } from "../runtime/device/chosen-device.ts";
import { nodeHost } from "../runtime/host/node.ts";
import { specFiles } from "../runtime/host/node-specs.ts";
import { layersTogether } from "../runtime/profile/kernel-groups.ts";
import type { KernelGroup } from "../runtime/profile/kernel-groups.ts";
import { profilePage } from "../runtime/profile/profile-page.ts";
import { profileOnDevice } from "../runtime/profile/profile-on-device.ts";
import type { Profile, ProfiledStep } from "../runtime/profile/profile.ts";
import { compileSpec } from "../runtime/spec/compile-spec.ts";
import type { CompiledSpec } from "../runtime/spec/compile-spec.ts";
import { parseTarget } from "../runtime/spec/spec-target.ts";
import { exit, UsageError } from "./exit-codes.ts";
import { percent } from "./figures.ts";
import { shortened, table } from "./table.ts";
import { colors, remark, say, sayJson, widthOf } from "./terminal.ts";

export interface ProfileOptions {
  readonly set?: Readonly<Record<string, string>>;
  readonly device?: string;
  readonly threads?: number;
  readonly batch?: number;
  readonly repeats?: number;
  readonly rows?: number;
  readonly html?: string;
  readonly json?: boolean;
}

export async function profile(text: string, options: ProfileOptions): Promise<number> {
  const device = await openChosenDevice({
    ...(options.device === undefined ? {} : { want: options.device }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  try {
    const found = await measure(text, device, options);
    if (options.html !== undefined) writeFileSync(options.html, profilePage(found, text));
    if (options.json) sayJson(found);
    else sayProfile(found, options.rows ?? 20);
    if (options.html !== undefined) remark(`the whole step is drawn in ${options.html}`);
    return exit.fine;
  } finally {
    await device.close();
  }
}

async function measure(
  text: string,
  device: ChosenDevice,
  { set: settings = {}, batch, repeats = 15 }: ProfileOptions,
): Promise<Profile> {
  const { name: target, limits, threads } = device;
  if (target === "interpret")
    throw new UsageError("the interpreter has no kernels to time", [
      "use --device wasm or --device webgpu",
    ]);
  const spec: CompiledSpec = compileSpec(
    parseTarget(text),
    { files: specFiles(), catalog: catalog(nodeHost), settings, ...(batch && { batch }) },
    { target, limits, threads },
  );
  return profileOnDevice(spec, device, nodeHost, repeats);
}

function sayProfile(profile: Profile, rows: number): void {
  const paint = colors();
  const { steps, groups, sumMs, wholeMs, peak } = profile;
  const sorted = [...steps].sort((one, other) => other.ms - one.ms);
  say(
    [
      `${paint.bold(`${wholeMs.toFixed(2)} ms`)} a ${profile.subject} at batch ${profile.batch} on ${profile.device} (median of ${profile.repeats})`,
      paint.dim(
        `at best ${(peak.flops / 1e9).toFixed(1)} GFLOP/s and ${(peak.bytes / 1e9).toFixed(1)} GB/s; step by step ${sumMs.toFixed(2)} ms`,
      ),
      "",
      ...table([headings, ...sorted.slice(0, rows).map((step) => rowOf(step, sumMs))], {
        align: ["right", "right", "right", "right", "right"],
      }).map((line) => shortened(line, widthOf())),
      ...(sorted.length > rows ? [paint.dim(`and ${sorted.length - rows} more (--rows)`)] : []),
      "",
      ...table(
        [groupHeadings, ...groups.slice(0, groupsShown).map((group) => groupRow(group, sumMs))],
        {
          align: ["right", "right", "right", "right", "right", "right"],
        },
      ).map((line) => shortened(line, widthOf())),
      "",
      ...totals("by kind", steps, sumMs, ({ kind, phase }) => `${kind}, ${phase}`),
      "",
      ...totals("by module", steps, sumMs, ({ path }) => moduleOf(path)),
    ].join("\n"),
  );
}

const headings = ["ms", "share", "GFLOP/s", "GB/s", "of best", "limit", "kernel", "phase", "module", "source"]; // prettier-ignore

/** Kernels with equal layers together. */
const groupsShown = 8;
const groupHeadings = ["ms", "share", "GFLOP/s", "GB/s", "of best", "steps", "by kernel", "phase", "module", "source"]; // prettier-ignore

function groupRow(group: KernelGroup, sumMs: number): string[] {
  const cells = rowOf(group, sumMs);
  return [...cells.slice(0, 5), String(group.count), ...cells.slice(6)];
}

function rowOf(
  { ms, flops, bytes, ofPeak, limit, label, phase, path, source }: ProfiledStep,
  sumMs: number,
): string[] {
  // prettier-ignore
  return [
    ms.toFixed(3),
    percent(ms / sumMs),
    (flops / ms / 1e6).toFixed(1),
    (bytes / ms / 1e6).toFixed(1),
    percent(ofPeak),
    limit,
    shortened(label, 28),
    phase,
    shortened(path, 34),
    source ?? "",
  ];
}

function moduleOf(path: string): string {
  return path === "" ? "(none)" : layersTogether(path);
}

function totals(
  title: string,
  steps: readonly ProfiledStep[],
  sumMs: number,
  nameOf: (step: ProfiledStep) => string,
): string[] {
  const groups = new Map<string, { ms: number; count: number; flops: number }>();
  for (const step of steps) {
    const group = groups.get(nameOf(step)) ?? { ms: 0, count: 0, flops: 0 };
    groups.set(nameOf(step), { ms: group.ms + step.ms, count: group.count + 1, flops: group.flops + step.flops }); // prettier-ignore
  }
  const rows = [...groups]
    .sort(([, one], [, other]) => other.ms - one.ms)
    .map(([name, { ms, count, flops }]) => [
      ms.toFixed(3), percent(ms / sumMs), (flops / ms / 1e6).toFixed(1), String(count), name,
    ]); // prettier-ignore
  return table([["ms", "share", "GFLOP/s", "steps", title], ...rows], { align: ["right", "right", "right", "right"] }); // prettier-ignore
}
