import type { Environment, OpEvidence } from "@thaw/core";

/** What is known beside a finding itself. */
export interface IssueContext {
  /** The operation: `tf.maxPool`. */
  readonly op: string;
  readonly environment: Environment;
  /** Cases of this operation that fail in the same part. */
  readonly failing: number;
  readonly cases: number;
  /** What the same code gives elsewhere, by backend. */
  readonly others: readonly { readonly backend: string; readonly found: string; readonly fine: boolean }[];
}

function subject(part: string): string {
  if (part === "y") return "the result";
  return part === "memory" ? "memory" : `the gradient by input ${Number(part.slice(2)) + 1}`;
}

/** Whether every backend that was asked is wrong: then the fault lies above them. */
function isEverywhere({ others }: IssueContext): boolean {
  return others.length > 1 && others.every(({ fine }) => !fine);
}

function title(context: IssueContext, { backend, kind, part }: OpEvidence): string {
  const { op } = context;
  const of = part === "y" ? op : `${op}: ${subject(part)}`;
  const what = {
    fine: "is right",
    wrong: "is wrong",
    throws: "throws",
    "not-implemented": "is not implemented",
    leaks: "leaks",
    lost: "crashes or hangs",
  }[kind];
  return `[${isEverywhere(context) ? "all backends" : backend}] ${of} ${what}`;
}

function versionLines({ environment }: IssueContext): string[] {
  const { engine, device, versions } = environment;
  const shown = Object.entries(versions).filter(([name]) =>
    ["tfjs", "node", "chromium", "libtensorflow", "webgpu"].includes(name),
  );
  return [
    `- ${engine}`,
    `- device: ${device.name}${device.software ? " (emulated)" : ""}`,
    ...shown.map(([name, version]) => `- ${name} ${version}`),
  ];
}

function block(text: string, language = ""): string[] {
  return [`\`\`\`${language}`, text, "```", ""];
}

/** A finding as the text of an issue (Markdown), ready to file. */
export function issueText(evidence: OpEvidence, context: IssueContext): string {
  const { failing, cases, others } = context;
  const where = isEverywhere(context) ? " Every backend that was asked is wrong about it." : "";
  const alone =
    evidence.failsAlone === false
      ? " Run alone, the code below gives the right result: it fails only behind other operations, as a shader that was made for another size would."
      : "";
  const count = `${failing} of the ${cases} cases that were tried fail; this is the smallest that was found.${where}${alone}`;
  const table = [
    "**Other backends**",
    "",
    "| backend | gives | |",
    "|---|---|---|",
    ...others.map(
      ({ backend, found, fine }) => `| ${backend} | \`${firstLine(found)}\` | ${fine ? "right" : "wrong"} |`,
    ),
    "",
  ];
  return [
    `# ${title(context, evidence)}`,
    "",
    count,
    "",
    ...block(evidence.text),
    "**System**",
    "",
    ...versionLines(context),
    "",
    "**Code**",
    "",
    ...block(evidence.code, "js"),
    "**Expected** (worked out in float64)",
    "",
    ...block(evidence.expected),
    "**Found**",
    "",
    ...block(evidence.found),
    ...(others.length > 0 ? table : []),
  ].join("\n");
}

function firstLine(text: string): string {
  const [line = "", ...more] = text.split("\n");
  return more.length > 0 ? `${line} …` : line;
}
