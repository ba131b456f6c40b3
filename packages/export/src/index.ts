export { type ExportOptions, exportModel } from "./export-model.ts";
export { FORMAT_NAMES, type FormatName, parseFormats } from "./formats.ts";
