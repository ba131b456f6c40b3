export { type AssetStatus, describeAssets } from "./asset-status.ts";
export { cacheFolder } from "./cache-folder.ts";
export { makeThumbnails, type Thumbnails } from "./data/thumbnails.ts";
export { type PreparedPlan, type PrepareOptions, preparePlan } from "./prepare.ts";
export { resolveFile } from "./resolver.ts";
export { openStore, type Store } from "./store.ts";
