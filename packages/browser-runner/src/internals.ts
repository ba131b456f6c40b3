// For benchmarks and tests that open a page without a runner; the runners themselves are createRunner().

export { environmentOf } from "./environment.ts";
export { type LaunchedBrowser, launchBrowser } from "./launch.ts";
export { findChromium } from "./locate-chromium.ts";
export { ENGINES, type EngineName, type PageMemory } from "./messages.ts";
export { type BrowserSession, openSession } from "./session.ts";
export { browserSettings, openRequest } from "./settings.ts";
