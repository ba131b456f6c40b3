import { serializeError } from "@thaw/core";
import { Command } from "commander";
import type { BenchCommandOptions } from "./bench/bench-options.ts";
import { benchCommand } from "./commands/bench.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { layersCommand } from "./commands/layers.ts";
import { type OpsCommandOptions, opsCommand } from "./commands/ops.ts";
import { parityCommand } from "./commands/parity.ts";
import { profileCommand } from "./commands/profile.ts";
import { type ReportCommandOptions, reportCommand } from "./commands/report.ts";
import { type RunCommandOptions, runCommand } from "./commands/run.ts";
import { schemaCommand } from "./commands/schema.ts";
import { type SweepCommandOptions, sweepCommand } from "./commands/sweep.ts";
import { EXIT, exitCodeOf } from "./exit-code.ts";
import type { ParityCommandOptions } from "./parity/options.ts";
import type { ProfileCommandOptions } from "./profile/profile-options.ts";
import { VERSION } from "./version.ts";

const collect = (value: string, previous: readonly string[]): readonly string[] => [...previous, value];

function addCacheOptions(command: Command): Command {
  return command
    .option("--cache-bytes <size>", "memory for the outputs of frozen layers, e.g. 512M; 0 keeps none there", "1G")
    .option("--cache-disk <size>", "disk for what does not fit into memory; 0 keeps none there", "4G");
}

function addRunOptions(command: Command): Command {
  return command
    .option("--runner <names>", "runner, or the path of a runner module; for a sweep several, with commas", "node")
    .option("--out <dir>", "folder for results", "results")
    .option(
      "--set <key=value>",
      "engine setting, e.g. threads=2, or node.threads=2 for one runner; may be repeated",
      collect,
      [],
    )
    .option(
      "--plain-kernel <name>",
      "do without this fused kernel (all: without every one); may be repeated",
      collect,
      [],
    )
    .option("--require-hardware", "fail rather than run on an emulated GPU", false)
    .option("--rerun", "run again where a result is there, and keep both", false);
}

function program(): Command {
  const thaw = new Command("thaw")
    .description("Fine-tune pretrained image models with frozen layers, and prove that every backend agrees.")
    .version(VERSION)
    .exitOverride()
    .showSuggestionAfterError();

  addCacheOptions(addRunOptions(thaw.command("run")))
    .description("run one experiment")
    .argument("<spec>", "spec file (JSON)")
    .option("--save-model <file>", "keep the trained model: safetensors with the run's record, for predict and export")
    .option("--export-weights <file>", "write the final weights alone, as safetensors with Keras's names")
    .action((spec: string, options: RunCommandOptions) => runCommand(spec, options));

  addCacheOptions(addRunOptions(thaw.command("sweep")))
    .description("run a grid of experiments; goes on where an earlier run stopped")
    .argument("<spec>", "sweep file, or a spec with --freeze, --lr or --seed")
    .option("--freeze <list>", "freeze counts or layer names, separated by commas")
    .option("--lr <list>", "learning rates, separated by commas")
    .option("--seed <list>", "seeds, separated by commas")
    .option("--group <name>", "only this group of a sweep file")
    .option("--ui", "serve a page on this machine that shows the sweep as it runs, and prints its address", false)
    .option("--save-models", "keep each cell's trained model beside its result", false)
    .action(async (spec: string, options: SweepCommandOptions) => {
      process.exitCode = await sweepCommand(spec, options);
    });

  thaw
    .command("parity")
    .description("compare runners, from single operations to final accuracy, and say where they leave the reference")
    .argument("<spec>", "spec file (JSON)")
    .option("--runners <names>", "runners to compare, separated by commas", "node,webgpu")
    .option(
      "--judge <name>",
      "runner that is right by definition, in float64: keras, or reference (no Python)",
      "keras",
    )
    .option("--depths <list>", "freeze counts or layer names, separated by commas; the spec's own without it")
    .option("--steps <list>", "steps after which weights are compared (L4)", "4")
    .option("--seeds <list>", "seeds to train to the end with, for equivalence of accuracy (L5)")
    .option("--batch <images>", "another batch size than the spec's")
    .option("--require <names>", "runners whose absence fails the run; all of them without it")
    .option("--out <dir>", "folder for the report", "results/parity")
    .option("--junit <file>", "write the report as JUnit XML too")
    .option("--summary <file>", "append the report as Markdown, e.g. to $GITHUB_STEP_SUMMARY")
    .option("--baseline <file>", "compare with a recorded report and fail on drift")
    .option("--update-baseline", "write the report to the baseline's file", false)
    .option("--set <key=value>", "engine setting, e.g. threads=2, or node.threads=2 for one runner", collect, [])
    .option("--require-hardware", "an emulated GPU counts as missing", false)
    .option("--rerun", "judge again what was judged before", false)
    .option("--no-ops", "leave out the single operations (L1)")
    .action(async (spec: string, options: ParityCommandOptions) => {
      process.exitCode = await parityCommand(spec, options);
    });

  thaw
    .command("ops")
    .description("judge single operations of runners against float64, and make what is wrong small")
    .option("--runner <names>", "runners, separated by commas", "node")
    .option("--suite <name>", "kernels: the runner's own; tfjs: the stock operations below them", "kernels")
    .option("--out <dir>", "folder for the report and for issue texts")
    .option("--set <key=value>", "engine setting, e.g. threads=2, or node.threads=2 for one runner", collect, [])
    .option("--json", "print the report as JSON", false)
    .option("--strict", "fail where a stock operation is wrong, too", false)
    .option("--confirm", "try each finding again on an engine of its own (seconds for each)", false)
    .action(async (options: OpsCommandOptions) => {
      process.exitCode = await opsCommand(options);
    });

  thaw
    .command("bench")
    .description("measure runners side by side, beside Keras and other trainers, and find regressions")
    .argument("<spec>", "spec file (JSON)")
    .option("--runners <names>", "runners to measure, separated by commas", "node")
    .option("--depths <list>", "freeze counts or layer names, separated by commas; the spec's own without it")
    .option("--batch <list>", "batch sizes, separated by commas; the spec's own without it")
    .option("--images <count>", "images an epoch; 128, or all of a smaller set, without it")
    .option("--epochs <count>", "epochs of a sample; the first one is told apart", "3")
    .option("--rounds <count>", "samples of each subject, interleaved", "3")
    .option("--cache <state>", "on, off or both: whether frozen features are kept from epoch to epoch", "on")
    .option("--baselines <list>", "keras-fit, keras-batch, or paths of runner modules; what is missing is said")
    .option("--roofs <command>", "program that measures what the machine can do at most")
    .option("--set <key=value>", "engine setting, e.g. threads=2, or node.threads=2 for one runner", collect, [])
    .option("--require-hardware", "fail rather than measure an emulated GPU", false)
    .requiredOption("--out <file>", "file for the recording (JSON)")
    .option("--force", "overwrite the file; with --compare, also across machines and specs", false)
    .option("--compare <file>", "compare with an earlier recording, and fail on a regression")
    .option("--threshold <percent>", "change that counts, in percent", "3")
    .action(async (spec: string, options: BenchCommandOptions) => {
      process.exitCode = await benchCommand(spec, options);
    });

  addCacheOptions(thaw.command("profile"))
    .description("say where the time and the memory of a training step go, layer by layer")
    .argument("<spec>", "spec file (JSON)")
    .option("--runner <name>", "runner, or the path of a runner module", "node")
    .option("--steps <count>", "steps to profile", "5")
    .option("--warmup <count>", "steps before them that are not counted", "2")
    .option("--phase <name>", "phase of the spec; its last one without it")
    .option("--freeze <depth>", "freeze count or layer name, in place of the spec's")
    .option("--batch <images>", "another batch size than the spec's")
    .option("--top <count>", "layers to print; profile.json and --json have all", "20")
    .option("--json", "print the report as JSON", false)
    .option("--out <dir>", "folder for profile.json and trace.json, which opens in Perfetto")
    .option("--set <key=value>", "engine setting, e.g. threads=2; may be repeated", collect, [])
    .option("--require-hardware", "fail rather than run on an emulated GPU", false)
    .action((spec: string, options: ProfileCommandOptions) => profileCommand(spec, options));

  thaw
    .command("report")
    .description("results as one HTML page that needs no network, and in brief as Markdown")
    .argument("[folders...]", "folders of results; `results` without any")
    .option("--out <file>", "the page", "report.html")
    .option("--parity <file>", "a report of `thaw parity`; the latest in the folder's `parity` without it")
    .option("--bench <file>", "a recording of `thaw bench`")
    .option("--markdown <file>", "append the report in brief as Markdown, e.g. to $GITHUB_STEP_SUMMARY")
    .option("--no-photos", "leave out the photos that were classified worst")
    .option("--title <text>", "title of the page; the names of the sweeps without it")
    .action((folders: string[], options: ReportCommandOptions) => reportCommand(folders, options));

  thaw
    .command("layers")
    .description("show the layer table and what trains")
    .argument("<spec>", "spec file (JSON)")
    .action((spec: string) => layersCommand(spec));

  thaw
    .command("schema")
    .description("print the JSON Schema of a spec or a sweep")
    .argument("[kind]", "spec or sweep", "spec")
    .action((kind: string) => schemaCommand(kind));

  thaw
    .command("doctor")
    .description("say what is there and what is missing")
    .option("--json", "as JSON", false)
    .action(async (options: { readonly json: boolean }) => {
      process.exitCode = await doctorCommand(options);
    });
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

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(process.exitCode ?? EXIT.fine); // the reader (head, less) has seen enough
  throw error;
});

await main(process.argv.slice(2));
