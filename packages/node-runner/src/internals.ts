// For benchmarks and tests that measure single steps in their own process; the runner itself is createRunner().
export { environmentOf, loadEngine } from "./host.ts";
export { type NodeSettings, nodeSettings } from "./settings.ts";
export { tensorflowKernels } from "./tensorflow-kernels.ts";
