// `FILE:NAME@VARIANT`, its parts left out where they are clear.
import { expect, test } from "vitest";
import { parseTarget, showTarget } from "../../../runtime/spec/spec-target.ts";

test.each([
  ["specs/vit.vit:ViT@B/16", { file: "specs/vit.vit", name: "ViT", variant: "B/16" }],
  ["specs/vit.vit:ViT", { file: "specs/vit.vit", name: "ViT" }],
  ["specs/vit.vit@B/16", { file: "specs/vit.vit", variant: "B/16" }],
  ["specs/vit.vit", { file: "specs/vit.vit" }],
  ["C:\\specs\\vit.vit:ViT@S/16", { file: "C:\\specs\\vit.vit", name: "ViT", variant: "S/16" }],
])("%s", (text, target) => {
  expect(parseTarget(text)).toEqual(target);
  expect(showTarget(target)).toBe(text);
});

test("the extension may be left out", () => {
  expect(parseTarget("specs/vit:ViT@B/16")).toEqual(parseTarget("specs/vit.vit:ViT@B/16"));
});
