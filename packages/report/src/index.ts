export { parityJunit } from "./junit.ts";
export { parityMarkdown } from "./markdown.ts";
export { parityText } from "./text.ts";
