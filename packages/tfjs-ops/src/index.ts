export { type IssueContext, issueText } from "./issue-text.ts";
export type { OpEngine } from "./judgement.ts";
export { judgeTfjs, type TfjsJudgeOptions } from "./tfjs-verdicts.ts";
