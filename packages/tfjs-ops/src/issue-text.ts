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

function title({ op }: IssueContext, { backend, kind, part }: OpEvidence): string {
  const of = part === "y" ? op : `${op}: ${subject(part)}`;
  switch (kind) {
    case "throws":
      return `[${backend}] ${of} throws`;
    case "not-implemented":
      return `[${backend}] ${of} is not implemented`;
    case "leaks":
      return `[${backend}] ${op} leaks memory`;
    case "lost":
      return `[${backend}] ${op} crashes or hangs`;
    default:
      return `[${backend}] ${of} is wrong`;
  }
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

/** A finding as the text of an issue (Markdown), ready to file. */
export function issueText(evidence: OpEvidence, context: IssueContext): string {
  const { code, expected, found, text } = evidence;
  const lines = [
    `# ${title(context, evidence)}`,
    "",
    `${context.failing} of ${context.cases} cases fail; this is the smallest that was found. ${text[0]?.toUpperCase() ?? ""}${text.slice(1)}.`,
    "",
    "**System**",
    "",
    ...versionLines(context),
    "",
    "**Code**",
    "",
    "```js",
    code,
    "```",
    "",
    "**Expected** (worked out in float64)",
    "",
    "```",
    expected,
    "```",
    "",
    "**Found**",
    "",
    "```",
    found,
    "```",
    "",
  ];
  if (context.others.length > 0) {
    lines.push("**Other backends**", "", "| backend | gives | |", "|---|---|---|");
    for (const other of context.others)
      lines.push(`| ${other.backend} | \`${other.found}\` | ${other.fine ? "right" : "wrong"} |`);
    lines.push("");
  }
  return lines.join("\n");
}
