import type { Finding, TargetTally } from "./campaign.ts";

const HEAD = ["target", "cases", "accepted", "refused", "slowest ms", "most MB", "findings"];

function refusals(refused: Readonly<Record<string, number>>): string {
  const codes = Object.entries(refused).sort(([, a], [, b]) => b - a);
  return codes.map(([code, count]) => `${code} ${count}`).join(", ") || "–";
}

function cellsOf(tally: TargetTally): readonly string[] {
  const { target, cases, accepted, refused, slowestMs, growthBytes, findings } = tally;
  const megabytes = (growthBytes / 2 ** 20).toFixed(0);
  return [target, `${cases}`, `${accepted}`, refusals(refused), slowestMs.toFixed(0), megabytes, `${findings.length}`];
}

/** What came of all targets, as a Markdown table with a last row of sums. */
export function campaignTable(tallies: readonly TargetTally[]): string {
  const sum = (of: (tally: TargetTally) => number): number => tallies.reduce((all, tally) => all + of(tally), 0);
  const refused = sum((tally) => Object.values(tally.refused).reduce((all, count) => all + count, 0));
  const most = (of: (tally: TargetTally) => number): number => Math.max(0, ...tallies.map(of));
  const total = [
    "all",
    `${sum(({ cases }) => cases)}`,
    `${sum(({ accepted }) => accepted)}`,
    `${refused}`,
    most(({ slowestMs }) => slowestMs).toFixed(0),
    (most(({ growthBytes }) => growthBytes) / 2 ** 20).toFixed(0),
    `${sum(({ findings }) => findings.length)}`,
  ];
  const rows = [HEAD, HEAD.map(() => "---"), ...tallies.map(cellsOf), total];
  return rows.map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** One finding with the command that shows it again. */
export function findingText({ target, seed, path, kind, what, folder }: Finding): string {
  const [first = "0"] = path.split(":");
  return [
    `${target}: ${kind}: ${what}`,
    `  again: npm run fuzz -- --target ${target} --seed ${seed} --case ${first}   (fast-check path ${path})`,
    ...(folder === null ? [] : [`  input: ${folder}`]),
  ].join("\n");
}
