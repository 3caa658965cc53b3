import { describe, expect, test } from "vitest";
import {
  evaluateHost,
  hostApply,
  hostNumber,
  hostVariable,
  isConstant,
  printHost,
} from "../../../compiler/graph/host-expression.ts";

const at = { step: 30, epoch: 1.5, steps: 100, steps_per_epoch: 20 };

describe("scalars of a run", () => {
  test("what is known is folded at once", () => {
    expect(hostApply("multiply", hostNumber(3), hostNumber(4))).toEqual(hostNumber(12));
    expect(hostApply("round", hostNumber(2.5))).toEqual(hostNumber(2));
    expect(hostApply("multiply", hostVariable("step"), hostNumber(1))).toEqual(
      hostVariable("step"),
    );
  });

  test("variables take the values of the step", () => {
    const ramp = hostApply(
      "minimum",
      hostNumber(1),
      hostApply("divide", hostVariable("step"), hostNumber(60)),
    );
    expect(evaluateHost(ramp, at)).toBe(0.5);
    expect(evaluateHost(hostApply("floor", hostVariable("epoch")), at)).toBe(1);
  });

  test("a choice by step is made when it is evaluated, and only one side of it", () => {
    const early = hostApply("less", hostVariable("step"), hostNumber(10));
    const chosen = hostApply(
      "select",
      early,
      hostNumber(1),
      hostApply("log", hostVariable("step")),
    );
    expect(evaluateHost(chosen, { ...at, step: 0 })).toBe(1);
    expect(evaluateHost(chosen, at)).toBeCloseTo(Math.log(30), 15);
  });

  test("a value that depends on the length alone is constant", () => {
    expect(isConstant(hostApply("divide", hostNumber(1), hostVariable("steps")))).toBe(true);
    expect(isConstant(hostVariable("step"))).toBe(false);
  });

  test("it prints as the language writes it", () => {
    const step = hostVariable("step");
    const course = hostApply(
      "multiply",
      hostNumber(0.1),
      hostApply("subtract", hostNumber(1), hostApply("divide", step, hostVariable("steps"))),
    );
    expect(printHost(course)).toBe("0.1 * (1 - step / steps)");
    const bounded = hostApply("minimum", hostNumber(1), step);
    expect(
      printHost(
        hostApply("select", hostApply("less", step, hostNumber(5)), bounded, hostNumber(-1)),
      ),
    ).toBe("if step < 5 then min(1, step) else -1");
  });
});
