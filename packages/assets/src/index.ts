export { type AssetStatus, describeAssets } from "./asset-status.ts";
export { cacheFolder } from "./cache-folder.ts";
export { readModelConfig } from "./model-config.ts";
export { type PreparedPlan, type PrepareOptions, preparePlan } from "./prepare.ts";
export { resolveFile } from "./resolver.ts";
export { openStore, type Store } from "./store.ts";
