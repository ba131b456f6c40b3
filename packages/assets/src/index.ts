export { type AssetStatus, describeAssets } from "./asset-status.ts";
export { cacheFolder } from "./cache-folder.ts";
export type { ResizeRule } from "./data/decoder.ts";
export { type DecodedFile, decodeFiles, findImages, type ImageFile } from "./data/image-files.ts";
export { type PreparedPlan, type PrepareOptions, preparePlan } from "./prepare.ts";
export { resolveFile } from "./resolver.ts";
export { openStore, type Store } from "./store.ts";
