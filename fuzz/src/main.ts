import { randomInt } from "node:crypto";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { CASE_LIMIT_MS, Campaign, casesOf, type TargetTally } from "./campaign/campaign.ts";
import { campaignTable, findingText } from "./campaign/report.ts";
import { loadTargets } from "./targets/targets.ts";

const HELP = `npm run fuzz -- [--cases N] [--seed S] [--target T]… [--case I] [--out DIR]
  --cases   cases in all, divided among the targets (50000)
  --seed    of the cases; random without it, and printed
  --target  these targets alone
  --case    one case of one target again, by its place
  --out     folder for failing inputs (results/fuzz)`;

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} ${text}: expected a whole number.`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      cases: { type: "string", default: "50000" },
      seed: { type: "string" },
      target: { type: "string", multiple: true },
      case: { type: "string" },
      out: { type: "string", default: "results/fuzz" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const seed = values.seed === undefined ? randomInt(2 ** 31) : numberOf("seed", values.seed);
  const all = await loadTargets();
  const unknown = values.target?.find((name) => !all.some((target) => target.name === name));
  if (unknown !== undefined) {
    throw new Error(`There is no target ${unknown}; there are ${all.map(({ name }) => name).join(", ")}.`);
  }
  const targets = all.filter(({ name }) => values.target?.includes(name) ?? true);
  const one = values.case === undefined ? undefined : numberOf("case", values.case);
  const cases = one === undefined ? numberOf("cases", values.cases) : targets.length;
  const campaign = new Campaign({
    seed,
    outDir: resolve(process.env.INIT_CWD ?? ".", values.out),
    caseLimitMs: CASE_LIMIT_MS,
    ...(one === undefined ? {} : { first: one }),
  });
  process.stdout.write(`seed ${seed}\n`);
  const tallies: TargetTally[] = [];
  try {
    for (const [name, count] of casesOf(targets, cases)) {
      const tally = await campaign.run(name, count);
      tallies.push(tally);
      process.stderr.write(`${name}: ${count} cases, ${tally.findings.length} findings\n`);
      for (const finding of tally.findings)
        if (finding.folder !== null) process.stdout.write(`${findingText(finding)}\n`);
    }
  } finally {
    await campaign.close();
  }
  process.stdout.write(`${campaignTable(tallies)}\n`);
  return tallies.every(({ findings }) => findings.length === 0) ? 0 : 1;
}

process.exitCode = await main();
