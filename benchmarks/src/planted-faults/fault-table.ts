import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { openFaultBench } from "./fault-bench.ts";
import { judgeKernelFault, KERNEL_FAULTS, lowestBroken, RUN_FAULTS } from "./faults.ts";

// Plants every fault, and writes which rung caught it: benchmarks/results/planted-faults.json.

const TARGET = fileURLToPath(new URL("../../results/planted-faults.json", import.meta.url));

interface Row {
  readonly fault: string;
  readonly expected: string;
  readonly caught: string | null;
  readonly by: string;
}

const bench = await openFaultBench();
const rows: Row[] = [];
const note = (row: Row): void => {
  rows.push(row);
  const verdict = row.caught === row.expected ? "caught" : "MISSED";
  process.stdout.write(`${verdict} ${row.caught ?? "nowhere"} (expected ${row.expected}): ${row.fault}: ${row.by}\n`);
};
const healthy = lowestBroken(await bench.judgeHealthy());
process.stdout.write(`healthy: ${healthy.rung === null ? "passes" : `FAILS at ${healthy.rung}: ${healthy.by}`}\n`);
for (const fault of KERNEL_FAULTS) {
  const { broken, cases } = await judgeKernelFault(fault, bench);
  const by = `${broken} of ${cases} cases of ${fault.kernel}`;
  note({ fault: fault.name, expected: fault.rung, caught: broken > 0 ? "L1" : null, by });
}
for (const fault of RUN_FAULTS) {
  const { rung, by } = lowestBroken(await bench.judge(fault));
  note({ fault: fault.name, expected: fault.rung, caught: rung, by });
}
const caught = rows.filter((row) => row.caught === row.expected).length;
process.stdout.write(`caught at the expected rung: ${caught} of ${rows.length} planted\n`);
await mkdir(fileURLToPath(new URL("../../results/", import.meta.url)), { recursive: true });
const report = { healthy: healthy.rung === null, caught, planted: rows.length, rows };
await writeFile(TARGET, `${JSON.stringify(report, null, 1)}\n`);
