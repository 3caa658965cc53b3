// The files of specs for Node: the author's from the disk or from a git revision, the shipped ones from this package.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Files } from "../../compiler/model/load-library.ts";
import { WorldError } from "../errors.ts";
import { fileError } from "../errors.ts";

const standardFolder = "specs/std/";
const shippedFolders = ["specs/", "specs/names/", standardFolder];

/** Files as they lie on the disk. Names count from where the program was started. */
export function specFiles(): Files {
  const root = packageRoot();
  return {
    read: (name) => (name.startsWith(standardFolder) ? undefined : readText(name)),
    shipped: shippedSpecs(
      (folder) => readdirSync(join(root, folder)),
      (name) => readFileSync(join(root, name), "utf8"),
    ),
  };
}

/**
 * Files as they were at a revision; the shipped ones too, where this package lies in the same repository.
 * @throws WorldError where git does not know the revision.
 */
export function specFilesAt(revision: string): Files {
  const top = git("rev-parse", "--show-toplevel").trim();
  const commit = commitOf(revision);
  const show = (path: string): string | undefined => {
    try {
      return git("show", `${commit}:${path}`);
    } catch {
      return undefined;
    }
  };
  const root = relative(top, packageRoot());
  const isOwnRepository = root === "" && existsSync(join(top, standardFolder));
  return {
    read: (name) =>
      name.startsWith(standardFolder) ? undefined : show(slashed(relative(top, resolve(name)))),
    shipped: isOwnRepository
      ? shippedSpecs(
          (folder) => entriesAt(commit, folder),
          (name) => show(name) ?? "",
        )
      : specFiles().shipped,
  };
}

/**
 * The specs that a path names: those of a folder, in the order of their names (folders in it are not entered), else the
 * one file. `specs` is also what comes with Vitrail, where no such folder lies here.
 */
export function specNames(path: string): readonly string[] {
  const folder = path.replace(/[\\/]+$/, "");
  if (isFolder(folder)) return specsIn(folder).map((name) => `${folder}/${name}`);
  if (`${folder}/` !== shippedFolders[0]) return [path];
  return specsIn(join(packageRoot(), folder)).map((name) => `${folder}/${name}`);
}

function specsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".vit"))
    .sort();
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** What a folder held at a commit; nothing where it was not there yet. */
function entriesAt(commit: string, folder: string): readonly string[] {
  if (git("ls-tree", commit, folder.replace(/\/$/, "")).trim() === "") return [];
  return git("ls-tree", "--name-only", `${commit}:${folder}`).split("\n");
}

function shippedSpecs(
  list: (folder: string) => readonly string[],
  read: (name: string) => string,
): ReadonlyMap<string, string> {
  const names = shippedFolders.flatMap((folder) => list(folder).map((name) => folder + name));
  const specs = names.filter((name) => name.endsWith(".vit"));
  return new Map(specs.map((name) => [name, read(name)]));
}

function readText(name: string): string | undefined {
  try {
    return readFileSync(name, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw fileError(cause, `read ${name}`);
  }
}

/** The folder with this package's `package.json`, from the sources as from what is built of them. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json")) || !existsSync(join(folder, standardFolder))) {
    folder = dirname(folder);
  }
  return folder;
}

function commitOf(revision: string): string {
  try {
    return git("rev-parse", "--verify", "--quiet", `${revision}^{commit}`).trim();
  } catch (cause) {
    throw new WorldError(
      "missing-file",
      `git knows no revision ${revision} here`,
      "see git log, and run vit inside the repository",
      cause,
    );
  }
}

function git(...args: readonly string[]): string {
  const stdio = ["ignore", "pipe", "pipe"] as const;
  try {
    return execFileSync("git", [...args], {
      encoding: "utf8",
      stdio: [...stdio],
      maxBuffer: 1 << 28,
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT")
      throw new WorldError("missing-package", "git is not installed", "install git", cause);
    throw cause;
  }
}

function slashed(path: string): string {
  return path.replaceAll("\\", "/");
}

/** The version of this package. */
export function packageVersion(): string {
  const text = readFileSync(join(packageRoot(), "package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}
