import { serializeError } from "@thaw/core";
import { Command } from "commander";
import { addJudgingCommands } from "./command-line/judging-commands.ts";
import { addPhotoCommands } from "./command-line/photo-commands.ts";
import { addReferenceCommands } from "./command-line/reference-commands.ts";
import { addTrainingCommands } from "./command-line/training-commands.ts";
import { EXIT, exitCodeOf } from "./exit-code.ts";
import { guardOutput } from "./terminal.ts";
import { VERSION } from "./version.ts";

function program(): Command {
  const thaw = new Command("thaw")
    .description("Fine-tune pretrained image models with frozen layers, and prove that every backend agrees.")
    .version(VERSION)
    .exitOverride()
    .showSuggestionAfterError();
  for (const add of [addTrainingCommands, addPhotoCommands, addJudgingCommands, addReferenceCommands]) add(thaw);
  return thaw;
}

/** Prints an error as: what went wrong, then what to do. */
function report(error: unknown): number {
  const serialized = serializeError(error);
  process.stderr.write(`error (${serialized.code}): ${serialized.message}\n`);
  if (serialized.hint !== undefined) process.stderr.write(`hint: ${serialized.hint}\n`);
  const stderr = serialized.details?.stderr;
  if (typeof stderr === "string" && stderr !== "") process.stderr.write(`its last output:\n${stderr}\n`);
  if (serialized.code === "internal") process.stderr.write(`${String(serialized.details?.stack ?? "")}\n`);
  return exitCodeOf(serialized);
}

/** Runs the command line; sets the process's exit code. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(args, { from: "user" });
  } catch (error) {
    if (
      error instanceof Error &&
      "exitCode" in error &&
      "code" in error &&
      String(error.code).startsWith("commander.")
    ) {
      process.exitCode = error.exitCode === 0 ? EXIT.fine : EXIT.badInput; // commander has printed it
    } else {
      process.exitCode = report(error);
    }
  }
}

for (const stream of [process.stdout, process.stderr]) guardOutput(stream);

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(process.exitCode ?? EXIT.fine); // the reader (head, less) has seen enough
  throw error;
});

await main(process.argv.slice(2));
