// `vit profile`: every step of a forward pass or a training step, with its time and the line that it came from.
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Profile } from "../../runtime/profile/profile.ts";
import { runVit } from "./run-vit.ts";

const tiny = ["specs/vit.vit:ViT@Ti/16", "--set", "depth=1", "--set", "size=32", "--batch", "2", "--repeats", "2"]; // prettier-ignore

describe("vit profile", { timeout: 120_000 }, () => {
  beforeAll(() => {
    process.env["VITRAIL_ADAPTER"] = "software";
    return () => delete process.env["VITRAIL_ADAPTER"];
  });

  test("times each kernel and names what made it", async () => {
    const { code, out } = await runVit("profile", ...tiny, "--device", "wasm", "--json");
    expect(code).toBe(0);
    const { steps, sumMs, wholeMs, peak, subject, batch } = JSON.parse(out) as Profile;
    expect({ subject, batch }).toEqual({ subject: "forward pass", batch: 2 });
    expect(peak.flops).toBeGreaterThan(1e8);
    expect(peak.bytes).toBeGreaterThan(1e7);
    expect(wholeMs).toBeGreaterThan(0);
    expect(sumMs).toBeCloseTo(
      steps.reduce((sum, { ms }) => sum + ms, 0),
      6,
    );
    const product = steps.find(({ path }) => path === "layers.0.mlp.fc1")!;
    expect(product).toMatchObject({ kind: "contraction", phase: "forward" });
    expect(product.source).toMatch(/^specs\/std\/linear\.vit:\d+:\d+$/);
    expect(product.flops).toBeGreaterThanOrEqual(2 * 2 * 5 * 192 * 768);
  });

  test("times a GPU by its own clock", async () => {
    const { out } = await runVit("profile", ...tiny, "--device", "webgpu", "--json");
    const { steps } = JSON.parse(out) as Profile;
    expect(steps.length).toBeGreaterThan(8);
    expect(steps.every(({ ms }) => ms >= 0)).toBe(true);
    expect(Math.max(...steps.map(({ ms }) => ms))).toBeGreaterThan(0);
  });

  test("shows the slowest first, totals by kind and module, and draws a page", async () => {
    const page = join(mkdtempSync(join(tmpdir(), "vit-profile-")), "step.html");
    const { out } = await runVit("profile", "examples/digits.vit", "--device", "wasm", "--repeats", "1", "--rows", "5", "--html", page); // prettier-ignore
    expect(out).toContain("a training step at batch 64");
    const times = [...out.matchAll(/^ *(\d+\.\d+) +\d+\.\d %.*(forward|backward|update)/gm)].map((row) => Number(row[1])); // prettier-ignore
    expect(times.slice(0, 5)).toEqual(times.slice(0, 5).sort((a, b) => b - a));
    expect(out).toMatch(
      /by kind[^]*contraction, backward[^]*by module[^]*model\.layers\.\*\.mlp\.fc1/,
    );
    const html = readFileSync(page, "utf8");
    expect(html).toContain("<title>examples/digits.vit</title>");
    expect(html).not.toMatch(/https?:|<script/);
  });

  test("has nothing to time in the interpreter", async () => {
    const { code, err } = await runVit("profile", ...tiny, "--device", "interpret");
    expect(code).toBe(2);
    expect(err).toContain("the interpreter has no kernels to time");
  });
});
