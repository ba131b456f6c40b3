import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { killScenario, type ScenarioOutcome } from "./campaign.ts";
import { SCENARIOS } from "./scenarios.ts";
import { killSetUp } from "./set-up.ts";

// Kills what runs, again and again: KILLS in all (232), SEED of their moments (1), ONLY scenarios whose name or victim
// has this in it. Writes benchmarks/results/kills.json.

const KILLS = Number(process.env.KILLS ?? 232);
const SEED = Number(process.env.SEED ?? 1);
const ONLY = process.env.ONLY ?? "";
const TARGET = fileURLToPath(new URL("../../results/kills.json", import.meta.url));

type Say = (text: string) => void;
const trainings = SCENARIOS.map((scenario) => ({
  ...scenario,
  kill: (kills: number, say: Say) => killScenario(scenario, kills, SEED, say),
}));
const setUp = {
  name: "set-up",
  victim: "the command",
  share: 12,
  kill: (kills: number, say: Say) => killSetUp(kills, SEED, say),
};
const chosen = [...trainings, setUp].filter(({ name, victim }) => `${name}, ${victim}`.includes(ONLY));
const shares = chosen.reduce((sum, { share }) => sum + share, 0);
const outcomes: ScenarioOutcome[] = [];
for (const { share, kill } of chosen) {
  const kills = Math.max(1, Math.round((KILLS * share) / shares));
  outcomes.push(await kill(kills, (text) => process.stderr.write(text)));
}
const total = (key: "kills" | "survived" | "orphans" | "finished" | "resumed" | "identical"): number =>
  outcomes.reduce((sum, outcome) => sum + outcome[key], 0);
const rows = outcomes.map((outcome) => Object.values(outcome).slice(0, 8));
const sums = ["all", "", ...(["kills", "survived", "orphans", "finished", "resumed", "identical"] as const).map(total)];
const line = (cells: readonly unknown[]): string => `| ${cells.join(" | ")} |\n`;
process.stdout.write(line(["while", "killed", "kills", "survived", "orphans", "finished", "resumed", "bit-identical"]));
process.stdout.write(line(["---", "---", "---:", "---:", "---:", "---:", "---:", "---:"]));
for (const row of [...rows, sums]) process.stdout.write(line(row));
for (const { name, victim, problems } of outcomes) {
  for (const problem of problems) process.stdout.write(`\n${name}, ${victim}: ${problem}`);
}
await mkdir(fileURLToPath(new URL("../../results/", import.meta.url)), { recursive: true });
await writeFile(TARGET, `${JSON.stringify({ seed: SEED, outcomes }, null, 1)}\n`);
process.exitCode = outcomes.some(({ problems, orphans }) => problems.length > 0 || orphans > 0) ? 1 : 0;
