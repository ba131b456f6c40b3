// For benchmarks and tests that climb the ladder or take samples themselves, and for the fuzzer, which reads files as the
// commands do; the command line is main.ts.
export { readBaseline } from "./baseline.ts";
export { readBenchReport } from "./bench/bench-file.ts";
export type { Sample as BenchSample } from "./bench/bench-report.ts";
export { MEASURES, type Measure } from "./bench/measures.ts";
export { type PresentSubject, takeSample } from "./bench/sample-run.ts";
export type { GridCell } from "./grid/grid-files.ts";
export { numbersOf } from "./grid/result-numbers.ts";
export { openShard } from "./grid/shard-record.ts";
export { cellCost, type SplitCell, splitCells } from "./grid/split.ts";
export { perturbedPlan } from "./parity/perturbed-plan.ts";
export { type TraceJob, traceRun } from "./parity/trace-run.ts";
export { benchSpeeds } from "./report/bench-speeds.ts";
export { readParityReport, readResultFolder } from "./report/result-folders.ts";
export { readResult } from "./result-file.ts";
export { readModelFile } from "./saved-model-file.ts";
export { readSpecFile } from "./spec-file.ts";
export { EventLog } from "./tracking/event-log.ts";
export { TensorBoardLog } from "./tracking/tensorboard.ts";
export type { TrackedCell, Tracker } from "./tracking/tracker.ts";
