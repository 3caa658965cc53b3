import { expect, test } from "vitest";
import { errorFromData, fileError, worldErrorData, WorldError } from "../../runtime/errors.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: something`), { code });
}

test("an error of the file system says what was being done, and what to do next", () => {
  const full = fileError(systemError("ENOSPC"), "write runs/a/metrics.jsonl");
  expect(full.code).toBe("disk-full");
  expect(full.message).toBe("could not write runs/a/metrics.jsonl: the disk is full");
  expect(full.hint).toContain("free some space");
  expect(fileError(systemError("ENOENT"), "read x").code).toBe("missing-file");
  expect(fileError(systemError("EROFS"), "write x").code).toBe("no-permission");
  expect(fileError(systemError("EIO"), "read x").message).toContain("EIO");
});

test("an error crosses from a thread as data", () => {
  const error = new WorldError("broken-image", "cannot read a.png", "replace it");
  const back = errorFromData(worldErrorData(error));
  expect(back).toBeInstanceOf(WorldError);
  expect(back).toMatchObject({
    code: "broken-image",
    message: "cannot read a.png",
    hint: "replace it",
  });
});

test("a mistake of ours keeps its stack on the way", () => {
  const back = errorFromData(worldErrorData(new TypeError("x is not a function")));
  expect(back).not.toBeInstanceOf(WorldError);
  expect(back.message).toMatch(/TypeError: x is not a function\n.*at /s);
});
