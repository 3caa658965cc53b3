// Places in scratch: what lives at once never overlaps, arenas keep their limit, and plans stay near the bound.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  align,
  lowerBound,
  planMemory,
  type Interval,
} from "../../../compiler/program/plan-memory.ts";

const lives = fc
  .record({ first: fc.nat(30), span: fc.nat(12) })
  .map(({ first, span }) => ({ first, last: first + span }));

/** Some of them have parts with lives of their own, with and without gaps between. */
const interval = fc.oneof(
  fc.record({ bytes: fc.integer({ min: 1, max: 5000 }), lives }).map(({ bytes, lives }) => ({ bytes, ...lives })), // prettier-ignore
  fc
    .array(fc.record({ gap: fc.nat(300), bytes: fc.integer({ min: 1, max: 1500 }), lives }), {
      minLength: 2,
      maxLength: 4,
    }) // prettier-ignore
    .map((pieces) => {
      let end = 0;
      const parts = pieces.map(({ gap, bytes, lives }) => {
        const offset = end + gap;
        end = offset + bytes;
        return { offset, bytes, ...lives };
      });
      const first = Math.min(...parts.map((part) => part.first));
      const last = Math.max(...parts.map((part) => part.last));
      return { bytes: end, first, last, parts };
    }),
);

const intervals = fc
  .array(interval, { maxLength: 40 })
  .map((list) => list.map((each, id): Interval => ({ id, ...each })));

/** Pairs that live at the same time in the same bytes, part by part. */
function overlaps(list: readonly Interval[], arenaBytes: number): string[] {
  const { places } = planMemory(list, arenaBytes);
  const pieces = list.flatMap(({ id, bytes, first, last, parts }) => {
    const { arena, offset } = places.get(id)!;
    return (parts ?? [{ offset: 0, bytes, first, last }]).map((part) => ({ id, arena, ...part, start: offset + part.offset })); // prettier-ignore
  });
  return pieces.flatMap((a, i) =>
    pieces.slice(i + 1).flatMap((b) => {
      const liveTogether = a.first <= b.last && b.first <= a.last;
      const inSameBytes =
        a.arena === b.arena && a.start < b.start + b.bytes && b.start < a.start + a.bytes;
      return liveTogether && inSameBytes ? [`${a.id} and ${b.id}`] : [];
    }),
  );
}

describe("a plan of scratch memory", () => {
  test("never puts two live buffers into the same bytes", () => {
    fc.assert(
      fc.property(intervals, (list) => {
        expect(overlaps(list, 1 << 30)).toEqual([]);
      }),
    );
  });

  test("nor across several arenas, none of them longer than allowed", () => {
    fc.assert(
      fc.property(intervals, (list) => {
        expect(overlaps(list, 8192)).toEqual([]);
        for (const bytes of planMemory(list, 8192).arenas) expect(bytes).toBeLessThanOrEqual(8192);
      }),
    );
  });

  test("begins each buffer where a binding may begin, inside its arena", () => {
    fc.assert(
      fc.property(intervals, (list) => {
        const { places, arenas } = planMemory(list, 1 << 30);
        for (const { id, bytes } of list) {
          const { arena, offset } = places.get(id)!;
          expect(offset % 256).toBe(0);
          expect(offset + bytes).toBeLessThanOrEqual(arenas[arena]!);
        }
      }),
    );
  });

  test("needs at least the largest live set, and no more where lives are nested", () => {
    const nested = Array.from({ length: 20 }, (_, id): Interval => ({
      id,
      bytes: 300 + 700 * id,
      first: id,
      last: 60 - id,
    }));
    expect(planMemory(nested, 1 << 30).arenas).toEqual([lowerBound(nested)]);
    fc.assert(
      fc.property(intervals, (list) => {
        const total = planMemory(list, 1 << 30).arenas.reduce((sum, bytes) => sum + bytes, 0);
        expect(total).toBeGreaterThanOrEqual(lowerBound(list));
      }),
    );
  });

  test("reuses what is free again", () => {
    const chain = [0, 1, 2, 3].map((id): Interval => ({
      id,
      bytes: 1000,
      first: id,
      last: id + 1,
    }));
    expect(planMemory(chain, 1 << 30).arenas).toEqual([2 * align(1000)]);
  });
});
