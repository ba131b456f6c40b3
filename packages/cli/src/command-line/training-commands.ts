import type { Command } from "commander";
import { findLrCommand } from "../commands/find-lr.ts";
import { type MergeCommandOptions, mergeCommand } from "../commands/merge.ts";
import { type RunCommandOptions, runCommand } from "../commands/run.ts";
import { type SweepCommandOptions, sweepCommand } from "../commands/sweep.ts";
import type { FindLrCommandOptions } from "../find-lr/find-lr-options.ts";
import { addCacheOptions, addCheckpointOptions, addRunOptions, addTrackingOptions } from "./shared-options.ts";

/** Registers the commands that train. */
export function addTrainingCommands(thaw: Command): void {
  addCheckpointOptions(addTrackingOptions(addCacheOptions(addRunOptions(thaw.command("run")))))
    .description("run one experiment")
    .argument("<spec>", "spec file (JSON)")
    .option("--save-model <file>", "keep the trained model: safetensors with the run's record, for predict and export")
    .option("--export-weights <file>", "write the final weights alone, as safetensors with Keras's names")
    .action(async (spec: string, options: RunCommandOptions) => {
      process.exitCode = await runCommand(spec, options);
    });

  addCheckpointOptions(addTrackingOptions(addCacheOptions(addRunOptions(thaw.command("sweep")))))
    .description("run a grid of experiments; goes on where an earlier run stopped")
    .argument("<spec>", "sweep file, or a spec with --freeze, --lr or --seed")
    .option("--freeze <list>", "freeze counts or layer names, separated by commas")
    .option("--lr <list>", "learning rates, separated by commas")
    .option("--seed <list>", "seeds, separated by commas")
    .option("--group <name>", "only this group of a sweep file")
    .option("--shard <i/n>", "only the i-th of n parts; `thaw merge` joins their folders")
    .option("--best-from <dir>", "folder with the results that bestOf is taken from, where their group is not run here")
    .option("--ui", "serve a page on this machine that shows the sweep as it runs, and prints its address", false)
    .option("--save-models", "keep each cell's trained model beside its result", false)
    .action(async (spec: string, options: SweepCommandOptions) => {
      process.exitCode = await sweepCommand(spec, options);
    });

  thaw
    .command("merge")
    .description("join the results of a sweep's shards in one folder, and say which are missing or differ")
    .argument("<folders...>", "folders that `thaw sweep --shard` wrote to")
    .requiredOption("--out <dir>", "folder for all results; what is there stays")
    .action(async (folders: string[], options: MergeCommandOptions) => {
      process.exitCode = await mergeCommand(folders, options);
    });

  addCacheOptions(addRunOptions(thaw.command("find-lr")))
    .description("let the learning rate grow from step to step, and say at which rates the loss falls")
    .argument("<spec>", "spec file (JSON)")
    .option("--from <rate>", "rate of the first step", "1e-7")
    .option("--to <rate>", "rate of the last step", "1")
    .option("--steps <count>", "steps, rounded up to whole epochs", "100")
    .option("--phase <name>", "phase of the spec whose layers train, from the starting weights")
    .option("--rule <name>", "tenth-of-minimum, or steepest", "tenth-of-minimum")
    .option("--json", "print the result as JSON", false)
    .action((spec: string, options: FindLrCommandOptions) => findLrCommand(spec, options));
}
