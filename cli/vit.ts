// The command line: its verbs, each a file of its own that is read only when it is called for.
// Words in, exit code out; results go to standard output, all else to standard error.
import { type Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { packageVersion } from "../runtime/host/node-specs.ts";
import type { RecomputeWish } from "../compiler/graph/lowered.ts";
import { exit } from "./exit-codes.ts";
import { bytesOf } from "./figures.ts";

const targetText =
  "FILE:NAME@VARIANT, as in specs/vit.vit:ViT@B/16; parts that are clear may be left out";

/** Runs `vit` with these words; returns the exit code. */
export async function vit(words: readonly string[]): Promise<number> {
  let outcome: number = exit.fine;
  /** Runs a verb and keeps its exit code; `trouble` stands for every failure where a verb has its own code for it. */
  const run = async (act: () => Promise<number>, trouble?: number): Promise<void> => {
    try {
      outcome = await act();
    } catch (error) {
      const { explainFailure } = await import("./explain-failure.ts");
      const code = explainFailure(error);
      outcome = trouble ?? code;
    }
  };
  try {
    await commandLine(run).parseAsync([...words], { from: "user" });
    return outcome;
  } catch (error) {
    // Commander has said it already.
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exit.fine : exit.wrongUsage;
  }
}

type Run = (act: () => Promise<number>, trouble?: number) => Promise<void>;

function commandLine(run: Run): Command {
  const program = new Command("vit")
    .description(
      "Vitrail: architectures of vision models as small texts, compiled and trained.\n\n" +
        "Examples:\n" +
        "  $ vit train examples/digits.vit          train a ViT on handwritten digits\n" +
        "  $ vit check my.vit                       all mistakes of a file at once\n" +
        "  $ vit summary specs/vit.vit:ViT@B/16     layers, parameters, multiply-adds",
    )
    .version(packageVersion(), "-V, --version")
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({
      sortSubcommands: false,
      showGlobalOptions: false,
      // Every verb has options: to say so takes room.
      subcommandTerm: (command) =>
        [command.name(), ...command.registeredArguments.map(argumentText)].join(" "),
    });

  const verb = (name: string, summary: string, examples: readonly string[]): Command => {
    const shown = examples.map((example) => `  $ vit ${example}`).join("\n");
    return program
      .command(name)
      .summary(summary)
      .description(`${summary}\n\nExamples:\n${shown}`)
      .showHelpAfterError(`(vit ${name} --help shows examples)`);
  };

  verb("check", "find all mistakes of a file, and count its expectations anew", [
    "check specs/vit.vit",
    "check specs",
    "check *.vit --json",
  ])
    .argument("<file...>", "files to check; a folder stands for its .vit files")
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

  verb(
    "list",
    "list models with their variants and sizes, the standard library, or the data sets",
    ["list", "list specs/vit.vit", "list specs --json", "list --std", "list --data"],
  )
    .argument(
      "[file...]",
      "files, or folders of them; without one, those of this folder and those that come with Vitrail",
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
      run(async () => (await import("./diff.ts")).diff(a, b, options), exit.wrongUsage),
    );

  verb("compile", "plan a training step or a forward pass: kernels, memory, work", [
    "compile examples/digits.vit",
    "compile specs/vit.vit:ViT@B/16 --batch 8 --json",
    "compile examples/digits.vit --memory 2GB",
    "compile examples/digits.vit --show kernels",
  ])
    .argument("<target>", targetText)
    .option(...set)
    .option(...device)
    .option("--batch <n>", "examples in a batch; of a recipe in place of its own", wholeNumber)
    .option("--memory [size]", "the largest batch that fits a device: 8GB; without a size this one")
    .option(
      "--recompute <what>",
      "compute again in the backward pass: layers, none or a size",
      recomputeWish,
    )
    .option("--threads <n>", "compute threads to plan for (wasm)", wholeNumber)
    .addOption(
      new Option("--show <stage>", "print what the compiler made at this stage").choices([
        "graph",
        "training",
        "precision",
        "recomputation",
        "kernels",
        "program",
      ]),
    )
    .option("--verify", "check after each stage what it promises")
    .option(...json)
    .action((target: string, options) =>
      run(async () => (await import("./compile.ts")).compile(target, options)),
    );

  verb("profile", "where the time of a training step or a forward pass goes", [
    "profile examples/digits.vit",
    "profile specs/vit.vit:ViT@Ti/16 --batch 8 --html profile.html",
  ])
    .argument("<target>", targetText)
    .option(...set)
    .option(...device)
    .option("--batch <n>", "examples in a forward pass of a model", wholeNumber)
    .option("--threads <n>", "compute threads (wasm)", wholeNumber)
    .option("--repeats <n>", "times that the step is run; 15 unless said", wholeNumber)
    .option("--rows <n>", "kernels to print, the slowest first; 20 unless said", wholeNumber)
    .option("--html <file>", "draw the step as one page that needs nothing else")
    .option(...json)
    .action((target: string, options) =>
      run(async () => (await import("./profile.ts")).profile(target, options)),
    );

  verb("train", "train a recipe; Ctrl-C saves and ends, the same command goes on", [
    "train examples/digits.vit",
    "train examples/digits.vit --set length='2 epochs' --out runs/short",
    "train examples/digits.vit --dry-run",
  ])
    .argument("<target>", targetText)
    .option(...set)
    .option(...device)
    .option("--threads <n>", "compute threads (wasm)", wholeNumber)
    .option("--workers <n>", "loader threads; they never change a result", wholeNumber)
    .option("--steps <n>", "stop after so many steps in all", wholeNumber)
    .option("--seed <n>", "instead of the recipe's", wholeNumber)
    .option(
      "--metrics-every <n>",
      "steps whose metrics are read from the device together; they never change a number",
      wholeNumber,
    )
    .option("--out <folder>", "the run's folder; runs/NAME unless said")
    .option("--resume", "go on from the last checkpoint; an error where there is none")
    .option("--dry-run", "say what the run would need, without starting it")
    .option("--json", "print a JSON line for each event")
    .action((target: string, options) =>
      run(async () => (await import("./train.ts")).train(target, options)),
    );

  verb("eval", "run the evaluations of a trained recipe", [
    "eval runs/digits",
    "eval examples/digits.vit --device interpret --json",
  ])
    .argument("<run>", "the folder of a run, or the recipe that was trained")
    .option("--only <name>", "one evaluation; may be repeated", collect)
    .option(...device)
    .option("--workers <n>", "loader threads", wholeNumber)
    .option(...json)
    .action((target: string, options) =>
      run(async () => (await import("./eval.ts")).evaluate(target, options)),
    );

  verb("predict", "say what a trained model sees in images", [
    "predict runs/digits three.png",
    "predict runs/digits *.png --top 3 --json",
  ])
    .argument("<run>", "the folder of a run, or the recipe that was trained")
    .argument("<image...>", "image files")
    .option("--top <n>", "classes to show; 5 unless said", wholeNumber)
    .option(...device)
    .option(...json)
    .action((target: string, images: string[], options) =>
      run(async () => (await import("./predict.ts")).predict(target, images, options)),
    );

  verb("import", "bring another library's weights under our names and layout", [
    "import specs/vit.vit:ViT@B/16 --weights vit_base.pth --as timm \\\n" +
      "      --out vit.safetensors",
    "import specs/vit.vit:ViT@B/16 --set size=384 --weights B_16.npz \\\n" +
      "      --as vit_jax --adapt 'position = resize(bilinear), head = fresh' \\\n" +
      "      --out vit.safetensors",
  ])
    .argument("<target>", targetText)
    .requiredOption("--weights <file>", "a safetensors, PyTorch (.pt, .pth) or npz file")
    .option("--as <format>", "whose names it has: timm, torchvision, transformers, openclip, …")
    .requiredOption("--out <file>", "safetensors to write, with our names")
    .option("--within <name>", "where in the file they lie, or what stands before all names")
    .option(
      "--adapt <change>",
      "'head = fresh', 'position = resize(bicubic)'; may be repeated",
      collect,
    )
    .option("--net <name>", "of a recipe with several nets, the one that is meant")
    .option("--seed <n>", "for what starts anew; 0 unless said", wholeNumber)
    .option(...set)
    .option(...json)
    .action((target: string, options) =>
      run(async () => (await import("./import.ts")).importWeights(target, options)),
    );

  verb("export", "write weights under another library's names and layout", [
    "export runs/digits --as timm --out digits.safetensors",
    "export specs/vit.vit:ViT@B/16 --weights vit.safetensors --as timm \\\n" +
      "      --out vit_base.safetensors",
  ])
    .argument("<target>", `the folder of a run, a recipe that was trained, or ${targetText}`)
    .requiredOption("--as <format>", "whose names: timm, torchvision, transformers, openclip, …")
    .requiredOption("--out <file>", "safetensors to write")
    .option("--weights <path>", "of a model: safetensors with our names, or a checkpoint's folder")
    .option("--net <name>", "of a recipe with several nets, the one that is meant")
    .option("--seed <n>", "of first values, where no weights are named; 0 unless said", wholeNumber)
    .option(...set)
    .option(...json)
    .action((target: string, options) =>
      run(async () => (await import("./export.ts")).exportWeights(target, options)),
    );

  verb("run", "compute a model's outputs from tensors in a file", [
    "run specs/vit.vit:ViT@B/16 --weights vit.safetensors \\\n" +
      "      --inputs images.safetensors --out logits.safetensors",
    "run specs/vit.vit:ViT@B/16 --weights vit_base.pth --as timm \\\n" +
      "      --inputs images.safetensors --out logits.safetensors --device wasm",
  ])
    .argument("<target>", targetText)
    .requiredOption(
      "--weights <path>",
      "tensors with the names of `vit summary --all`, a checkpoint's folder or a run's; with --as a file of another library",
    )
    .requiredOption(
      "--inputs <file>",
      "safetensors with a tensor for each input by its name: images [batch, rows, cols, channels], float32, " +
        "normalised; ids int32 or int64; an input that may be missing leaves out what depends on it",
    )
    .requiredOption(
      "--out <file>",
      "safetensors to write: a tensor for each output, `output` where it has no name",
    )
    .option("--net <name>", "of a recipe's checkpoint, the net whose weights to take")
    .option("--as <format>", "whose names the weights have: timm, openclip, transformers, …")
    .option(...set)
    .option(...device)
    .option(...json)
    .action((target: string, options) =>
      run(async () => (await import("./run.ts")).run(target, options)),
    );

  verb("doctor", "say what this machine offers, what would be chosen and why", [
    "doctor",
    "doctor --json",
  ])
    .option(...json)
    .action((options) => run(async () => (await import("./doctor.ts")).doctor(options)));

  return program;
}

function argumentText(argument: Argument): string {
  const name = argument.name() + (argument.variadic ? "..." : "");
  return argument.required ? `<${name}>` : `[${name}]`;
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

type Settings = Readonly<Record<string, string>>;

function collectSetting(text: string, before: Settings = {}): Settings {
  const at = text.indexOf("=");
  const name = text.slice(0, at).trim();
  const value = text.slice(at + 1).trim();
  if (at <= 0 || !/^[A-Za-z_]\w*$/.test(name) || value === "") {
    throw new InvalidArgumentError("say name=value, as in --set depth=6");
  }
  return { ...before, [name]: value };
}

function wholeNumber(text: string): number {
  const number = Number(text.replaceAll("_", ""));
  if (!/^[\d_]+$/.test(text) || !Number.isSafeInteger(number)) {
    throw new InvalidArgumentError("a whole number is wanted");
  }
  return number;
}

/** `layers`, `none`, `2GB`. */
function recomputeWish(text: string): RecomputeWish | "none" {
  if (text === "none") return "none";
  if (text === "layers") return { kind: "layers" };
  const bytes = bytesOf(text);
  if (bytes === undefined)
    throw new InvalidArgumentError("layers, none or a size such as 2GB is wanted");
  return { kind: "budget", bytes };
}

const set = [
  "--set <name=value>",
  "override a setting, checked like any other; may be repeated",
  collectSetting,
] as const;
const device = [
  "--device <name>",
  "wasm, webgpu or interpret; unless said, the best that is here",
] as const;
const json = ["--json", "print JSON"] as const;
