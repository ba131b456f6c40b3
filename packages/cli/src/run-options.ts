/** What every command is told that trains on a runner. */
export interface RunOptions {
  /** Name, or path of a module; of a sweep several, separated by commas. */
  readonly runner: string;
  /** Folder for results. */
  readonly out: string;
  readonly set: readonly string[];
  readonly plainKernel: readonly string[];
  readonly rerun: boolean;
  readonly requireHardware: boolean;
}
