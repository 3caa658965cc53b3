// What training steps are made of -> two tables in Markdown: a line a model, dearest first, and a line a variant.
import { bytes, short } from "../cli/figures.ts";
import type { Outcome, StepFigures, VariantReport } from "./training-figures.ts";

/** The one whose dispatches for each product are 1. */
export const yardstick = { file: "specs/vit.vit", name: "ViT", variant: "B/16" };

export function reportTables(reports: readonly VariantReport[], measure: VariantReport): string {
  const unit = perProduct(measure);
  const relative = (report: VariantReport) => {
    const own = perProduct(report);
    return own === undefined || unit === undefined ? undefined : own / unit;
  };
  return [
    "## By model",
    "",
    ...markdown(modelHead, modelRows(reports, relative)),
    "",
    "## By variant",
    "",
    ...markdown(
      variantHead,
      reports.map((report) => variantRow(report, relative(report))),
    ),
    "",
  ].join("\n");
}

export function isYardstick({ file, name, variant }: VariantReport): boolean {
  return file === yardstick.file && name === yardstick.name && variant === yardstick.variant;
}

function figuresOf({ outcomes }: VariantReport): StepFigures | undefined {
  const last = outcomes.at(-1);
  return last?.kind === "planned" ? last.figures : undefined;
}

/** Dispatches of the whole step, by the products of its graph. */
function perProduct(report: VariantReport | undefined): number | undefined {
  const figures = report && figuresOf(report);
  return figures && (figures.forward + figures.backward + figures.update) / figures.products;
}

// ---------------------------------------------------------------------------------------------- rows

const modelHead = ["model", "variants", "relative to ViT-B/16", "of 100 dispatches: products", "attention", "loops", "other", "longest compile"]; // prettier-ignore

type Relative = (report: VariantReport) => number | undefined;

function modelRows(reports: readonly VariantReport[], relative: Relative): string[][] {
  const models = new Map<string, VariantReport[]>();
  for (const report of reports) {
    const key = `${report.file.replace("specs/", "")} ${report.name}`;
    models.set(key, [...(models.get(key) ?? []), report]);
  }
  return [...models]
    .map(([key, variants]) => ({
      key,
      variants,
      most: Math.max(0, ...variants.map((each) => relative(each) ?? 0)),
    }))
    .sort((one, other) => other.most - one.most)
    .map(({ key, variants, most }) => {
      const least = Math.min(...variants.map((each) => relative(each) ?? most));
      const dearest = variants.find((each) => relative(each) === most) ?? variants[0]!;
      const seconds = Math.max(...variants.map((each) => figuresOf(each)?.compileSeconds ?? 0));
      return [
        key,
        String(variants.length),
        range(least, most),
        ...shares(figuresOf(dearest)),
        `${seconds.toFixed(1)} s`,
      ];
    });
}

function range(least: number, most: number): string {
  const [from, to] = [least.toFixed(2), most.toFixed(2)];
  return from === to ? to : `${from} to ${to}`;
}

/** Of the dispatches: contractions, attentions, loops, and what is neither, in percent. */
function shares(figures: StepFigures | undefined): string[] {
  if (figures === undefined) return ["", "", "", ""];
  const { kernels } = figures;
  const all = Object.values(kernels).reduce((sum, count) => sum + count, 0);
  const named = ["contraction", "attention", "loop"].map((kind) => kernels[kind] ?? 0);
  const other = all - named.reduce((sum, count) => sum + count, 0);
  return [...named, other].map((count) => String(Math.round((count / all) * 100)));
}

const variantHead = ["model", "parameters", "compile", "forward", "backward", "update", "products", "relative", "memory", "least", "plan"]; // prettier-ignore

function variantRow(report: VariantReport, relative: number | undefined): string[] {
  const { file, name, variant, parameters, outcomes } = report;
  const figures = figuresOf(report);
  const shown = `${file.replace(/^specs\/(.*)\.vit$/, "$1")}:${name}${variant === null ? "" : `@${variant}`}`;
  return [
    shown,
    short(parameters),
    ...(figures === undefined
      ? ["", "", "", "", "", "", "", ""]
      : [
          `${figures.compileSeconds.toFixed(1)} s`,
          String(figures.forward),
          String(figures.backward),
          String(figures.update),
          String(figures.products),
          relative === undefined ? "" : relative.toFixed(2),
          bytes(figures.memory),
          bytes(figures.leastMemory),
        ]),
    planText(outcomes),
  ];
}

function planText(outcomes: readonly Outcome[]): string {
  const broken = outcomes.flatMap((outcome) => (outcome.kind === "limit" ? [outcome] : []));
  if (broken.length === 0) return "batch 8";
  const last = outcomes.at(-1)!;
  const first = broken[0]!;
  if (last.kind === "limit") return `breaks ${first.limit}, whatever was tried: ${last.message}`;
  const help = [
    ...(last.batch === first.batch ? [] : [`a batch of ${last.batch}`]),
    ...(last.limits === "default" ? [] : ["bindings of 2 GiB"]),
  ].join(" and ");
  return `${help}: with batch ${first.batch} breaks ${first.limit} (${reason(first.message)})`;
}

/** The kernel or array that breaks it, without the advice behind it. */
function reason(message: string): string {
  return message.split(/[;(]/)[0]!.trim();
}

// ---------------------------------------------------------------------------------------------- Markdown

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, i) => (i === 0 ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)];
}
