export { type ExportOptions, exportModel } from "./export-model.ts";
export { exportedNetwork } from "./exported-network.ts";
export { FORMAT_NAMES, type FormatName, parseFormats } from "./formats.ts";
export { type ImportPlan, planImport } from "./import/import-plan.ts";
