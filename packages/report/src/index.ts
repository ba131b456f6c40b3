export { parityJunit } from "./junit.ts";
export { parityMarkdown } from "./markdown.ts";
export { code, markdownTable, plain } from "./markdown-table.ts";
export { type OtherPage, schemaReference } from "./schema-reference.ts";
export { parityText } from "./text.ts";
