import { readFixtures } from "/work/main/test/oracle/fixture.ts";
import { forwardDifferences } from "/work/main/test/oracle/forward.ts";
import { gradientDifferences, stepDifferences } from "/work/main/test/oracle/training.ts";
import { closeDevices } from "/work/main/test/oracle/devices.ts";
const [name, target, kind, least] = process.argv.slice(2);
const f: any = readFixtures().find((f: any) => f.name === name)!;
for (const k of kind === "all" ? ["forward","gradients","steps"] : [kind]) {
  const t0 = Date.now();
  const d = k === "forward" ? await forwardDifferences(f, f.forward, target as any) : k === "gradients" ? await gradientDifferences(f, f.training, target as any) : await stepDifferences(f, f.training, target as any);
  const bad = d.filter((x: any) => !(x.error <= Number(least ?? 1e-6)));
  console.log(k, d.length, "bad", bad.length, "worst", Math.max(...d.map((x: any) => x.error)), `${Date.now()-t0} ms`);
  for (const b of bad.slice(0, 12)) console.log("   ", b.what, b.error);
}
await closeDevices();
