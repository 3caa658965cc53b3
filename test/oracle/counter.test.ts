// Both sides of an oracle make the same numbers: these were printed by `python test/oracle/counter.py`.
import { expect, test } from "vitest";
import { keyOf, uniform } from "./counter.ts";

test("numbers are those of counter.py, bit for bit", () => {
  expect([...uniform("weight", 3)]).toEqual([
    -0.40177237422928, -0.7221428848515401, 0.1876671893356454,
  ]);
  expect([...uniform("blocks.0.attn.qkv.weight", 3)]).toEqual([
    -0.042268596079261256, 0.8089199403081293, -0.7901880790883391,
  ]);
  expect([...uniform("été", 3)]).toEqual([
    -0.9998434180512716, 0.3558648142629881, 0.2323602669207292,
  ]);
});

test("a key is two hashes of the name", () => {
  expect(keyOf("weight")).toEqual([1352703673, 2242410182]);
});

test("a number depends on its name and place alone", () => {
  expect(uniform("weight", 100).slice(0, 3)).toEqual(uniform("weight", 3));
});
