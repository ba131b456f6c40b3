import type { Command } from "commander";

/** Gathers an option that may be repeated. */
export const collect = (value: string, previous: readonly string[]): readonly string[] => [...previous, value];

export function addCacheOptions(command: Command): Command {
  return command
    .option("--cache-bytes <size>", "memory for the outputs of frozen layers, e.g. 512M; 0 keeps none there", "1G")
    .option("--cache-disk <size>", "disk for what does not fit into memory; 0 keeps none there", "4G");
}

export function addCheckpointOptions(command: Command): Command {
  return command
    .option("--checkpoint-every <seconds>", "least time between checkpoints, from which a killed run goes on", "60")
    .option("--no-checkpoints", "write no checkpoints: a killed run starts again");
}

export function addTrackingOptions(command: Command): Command {
  return command
    .option("--csv <file>", "write a table of all epochs, replacing an earlier one")
    .option("--tensorboard <dir>", "write event files for TensorBoard")
    .option("--no-mlflow", "send nothing to MLflow, whatever MLFLOW_TRACKING_URI says");
}

export function addRunOptions(command: Command): Command {
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
