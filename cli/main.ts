// `vit`: the verbs of the command line. Each is a file of its own, read only when it is called for.
import { Command, InvalidArgumentError } from "commander";
import { exit, explainFailure } from "./exit-codes.ts";
import { tolerateClosedPipes } from "./terminal.ts";
import { versionOf } from "./version.ts";

const targetText =
  "FILE:NAME@VARIANT, as in specs/vit.vit:ViT@B/16; parts that are clear may be left out";

type Settings = Readonly<Record<string, string>>;

function verb(name: string, summary: string, examples: readonly string[]): Command {
  const shown = examples.map((example) => `  $ vit ${example}`).join("\n");
  return program
    .command(name)
    .summary(summary)
    .description(`${summary}\n\nExamples:\n${shown}`)
    .showHelpAfterError(`(vit ${name.split(" ")[0]} --help shows examples)`);
}

/** Runs a verb and keeps its exit code. */
function run(act: () => Promise<number>): Promise<void> {
  return act().then(
    (code) => void (process.exitCode = code),
    (error: unknown) => void (process.exitCode = explainFailure(error)),
  );
}

function collectSetting(text: string, before: Settings = {}): Settings {
  const at = text.indexOf("=");
  const name = text.slice(0, at).trim();
  const value = text.slice(at + 1).trim();
  if (at <= 0 || !/^[A-Za-z_]\w*$/.test(name) || value === "") {
    throw new InvalidArgumentError("say name=value, as in --set depth=6");
  }
  return { ...before, [name]: value };
}

const set = [
  "--set <name=value>",
  "override a setting, checked like any other; may be repeated",
  collectSetting,
] as const;
const json = ["--json", "print JSON"] as const;

const program = new Command("vit")
  .description(
    "Vitrail: architectures of vision models as small texts, compiled and trained.\n\n" +
      "Examples:\n" +
      "  $ vit train examples/digits.vit          train a Vision Transformer on handwritten digits\n" +
      "  $ vit check my.vit                       all mistakes of a file at once\n" +
      "  $ vit summary specs/vit.vit:ViT@B/16     layers, parameters, multiply-adds",
  )
  .version(versionOf(), "-V, --version")
  .exitOverride()
  .showSuggestionAfterError()
  .configureHelp({ sortSubcommands: false, showGlobalOptions: false });

verb("check", "find all mistakes of a file, and count its expectations anew", [
  "check specs/vit.vit",
  "check *.vit --json",
])
  .argument("<file...>", "files to check")
  .option(...json)
  .action((files: string[], options) =>
    run(async () => (await import("./check.ts")).check(files, options)),
  );

verb("fmt", "write files in their canonical form", [
  "fmt my.vit",
  "fmt --check *.vit",
  "fmt - < my.vit",
])
  .argument("<file...>", "files to format; - is standard input, to standard output")
  .option("--check", "change nothing; exit code 1 if something would change")
  .action((files: string[], options) =>
    run(async () => (await import("./fmt.ts")).fmt(files, options)),
  );

verb("show", "print the resolved spec, every value with its origin", [
  "show examples/digits.vit",
  "show specs/vit.vit:ViT@B/16 --set size=384",
])
  .argument("<target>", targetText)
  .option(...set)
  .option(...json)
  .action((target: string, options) =>
    run(async () => (await import("./show.ts")).show(target, options)),
  );

verb("list", "list what files declare, the standard library, or the data sets", [
  "list",
  "list specs/vit.vit",
  "list --std",
  "list --data",
])
  .argument(
    "[file...]",
    "files; without one, those of this folder and those that come with Vitrail",
  )
  .option("--std", "list the standard library")
  .option("--data", "list data sets and operations on examples")
  .option(...json)
  .action((files: string[], options) =>
    run(async () => (await import("./list.ts")).list(files, options)),
  );

verb("summary", "count parameters and multiply-adds, module by module", [
  "summary specs/vit.vit:ViT@B/16",
  "summary examples/digits.vit --all",
])
  .argument("<target>", targetText)
  .option(...set)
  .option("--all", "do not fold equal layers")
  .option(...json)
  .action((target: string, options) =>
    run(async () => (await import("./summary.ts")).summary(target, options)),
  );

verb("diff", "compare two models or recipes by structure: what differs, costs and breaks", [
  "diff specs/vit.vit:ViT@S/16 specs/vit.vit:ViT@B/16",
  "diff specs/vit.vit:ViT@B/16 specs/vit.vit:ViT@B/16 --set size=384",
  "diff examples/digits.vit --rev HEAD~1",
])
  .argument("<a>", targetText)
  .argument("[b]", "the other one; with --rev it may be left out")
  .option("--rev <revision>", "read A as it was at this git revision")
  .option("--set <name=value>", "override a setting of B; may be repeated", collectSetting)
  .option(...json)
  .action((a: string, b: string | undefined, options) =>
    run(async () => (await import("./diff.ts")).diff(a, b, options)),
  );

verb("doctor", "say what this machine offers, what would be chosen and why", [
  "doctor",
  "doctor --json",
])
  .option(...json)
  .action((options) => run(async () => (await import("./doctor.ts")).doctor(options)));

tolerateClosedPipes();
try {
  await program.parseAsync();
} catch (error) {
  const isDiff = process.argv[2] === "diff";
  process.exitCode = explainFailure(error);
  if (isDiff && process.exitCode !== exit.fine) process.exitCode = exit.wrongUsage;
}
