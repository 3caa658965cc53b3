import { expect, test } from "vitest";
import type { CatalogSetting, SettingType, SettingValue } from "../../../compiler/model/catalog.ts";
import { catalog } from "../../../runtime/data/catalog.ts";

const plain = catalog();
const entries = [...plain.datasets, ...plain.operations];

test("without a host the catalog is plain data", () => {
  expect(JSON.parse(JSON.stringify(plain))).toEqual(plain);
});

test("names are in snake case, none twice, each with a line about it", () => {
  const names = entries.map((entry) => entry.name);
  expect(new Set(names).size).toBe(names.length);
  for (const entry of entries) {
    expect(entry.name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(entry.about).not.toBe("");
    const settings = entry.settings.map((setting) => setting.name);
    expect(new Set(settings).size).toBe(settings.length);
  }
});

function fits(type: SettingType, value: SettingValue): boolean {
  switch (type.kind) {
    case "int":
      return Number.isInteger(value) && within(value as number, type);
    case "real":
      return typeof value === "number" && within(value, type);
    case "prob":
      return typeof value === "number" && value >= 0 && value <= 1;
    case "bool":
      return typeof value === "boolean";
    case "string":
      return typeof value === "string";
    case "choice":
      return typeof value === "string" && type.options.includes(value);
    case "range":
      return (
        Array.isArray(value) &&
        value.length === 2 &&
        value[0] <= value[1] &&
        value.every((end) => within(end as number, type))
      );
    case "pair":
      return (
        Array.isArray(value) &&
        value.length === 2 &&
        value.every((one) => fits(type.of, one as SettingValue))
      );
    case "list":
      return Array.isArray(value) && value.every((one) => fits(type.of, one as SettingValue));
    case "shape":
      return Array.isArray(value);
    case "either":
      return type.of.some((one) => fits(one, value));
  }
}

function within(
  value: number,
  { least = -Infinity, most = Infinity }: { least?: number; most?: number },
): boolean {
  return value >= least && value <= most;
}

test("every default is of its setting's type, or none", () => {
  const wrong = (setting: CatalogSetting): boolean =>
    setting.default != null && !fits(setting.type, setting.default);
  expect(entries.flatMap((entry) => entry.settings.filter(wrong))).toEqual([]);
});

test("settings that a shape depends on are there", () => {
  for (const { name, shape, settings } of plain.operations) {
    if ("setting" in shape)
      expect(
        settings.map((setting) => setting.name),
        name,
      ).toContain(shape.setting);
  }
});

test("ImageNet is known without its files", () => {
  const imagenet = plain.datasets.find((entry) => entry.name === "imagenet");
  expect(imagenet?.splits).toEqual({ train: 1_281_167, validation: 50_000 });
});
