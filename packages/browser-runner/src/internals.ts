// For benchmarks and tests that open a page without a runner; the runners themselves are createRunner().
export { ENGINES, type EngineName, type KernelVerdict } from "./messages.ts";
export { descendantsOf } from "./process-tree.ts";
export { type BrowserSession, openSession } from "./session.ts";
export { browserSettings, openRequest } from "./settings.ts";
