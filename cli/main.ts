// The entry of the command `vit`.
import { tolerateClosedPipes } from "./terminal.ts";
import { vit } from "./vit.ts";

tolerateClosedPipes();
process.exitCode = await vit(process.argv.slice(2));
