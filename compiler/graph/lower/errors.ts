// Everything that the evaluator can find wrong: one function a diagnostic, each with a stable code.
export * from "./errors/axes.ts";
export * from "./errors/blocks.ts";
export * from "./errors/functions.ts";
export * from "./errors/settings.ts";
export * from "./errors/statements.ts";
