export { parityJunit } from "./junit.ts";
export { parityMarkdown } from "./markdown.ts";
export { type OtherPage, schemaReference } from "./schema-reference.ts";
export { parityText } from "./text.ts";
