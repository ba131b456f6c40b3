import type { Command } from "commander";
import type { BenchCommandOptions } from "../bench/bench-options.ts";
import { benchCommand } from "../commands/bench.ts";
import { type OpsCommandOptions, opsCommand } from "../commands/ops.ts";
import { parityCommand } from "../commands/parity.ts";
import { profileCommand } from "../commands/profile.ts";
import type { ParityCommandOptions } from "../parity/options.ts";
import type { ProfileCommandOptions } from "../profile/profile-options.ts";
import { addCacheOptions, collect } from "./shared-options.ts";

/** Registers the commands that compare and measure runners. */
export function addJudgingCommands(thaw: Command): void {
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
}
