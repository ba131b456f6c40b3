// For benchmarks and tests that measure single steps in their own process; the runner itself is createRunner().
export { type DawnEngine, openDawn } from "./dawn.ts";
export { environmentOf } from "./host.ts";
export { type DawnSettings, dawnSettings } from "./settings.ts";
