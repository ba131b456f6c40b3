// For benchmarks and tests that climb the ladder themselves; the command line is main.ts.
export { perturbedPlan } from "./parity/perturbed-plan.ts";
export { type TraceJob, traceRun } from "./parity/trace-run.ts";
