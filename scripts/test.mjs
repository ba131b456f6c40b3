/** All checks: set-up, lint, types, and every package's tests; the last line counts them. */

import { thisMachine } from "./setup/machine.mjs";
import { turbo } from "./setup/packages-build.mjs";
import { describeError } from "./setup/setup-error.mjs";
import { removeReports, reportFiles, sumReports } from "./setup/test-reports.mjs";
import { setUp } from "./setup.mjs";

async function main() {
  const machine = thisMachine();
  await setUp(machine, { keras: true, trackers: true, readers: true, linters: true });
  const reports = reportFiles(machine.root);
  removeReports(reports);
  const checks = await turbo(machine, ["run", "lint", "typecheck", "--continue", "--output-logs=new-only"], {
    show: true,
  });
  // One package at a time: the tests train and measure, and two cores are all there may be.
  const args = ["run", "test", "--continue", "--concurrency=1", "--output-logs=new-only"];
  if (machine.env.CI) args.push("--force");
  const tests = await turbo(machine, args, { show: true });
  const { passed, failed, skipped } = sumReports(machine.root, reports);
  for (const name of skipped) console.log(`skipped: ${name}`);
  for (const name of failed) console.log(`failed: ${name}`);
  const checksPassed = checks.status === 0;
  const testsPassed = tests.status === 0;
  if (!checksPassed) console.log("failed: lint or typecheck (see above)");
  if (!testsPassed && failed.length === 0)
    console.log("failed: a test run ended with an error outside its tests (see above)");
  console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
  return checksPassed && testsPassed && failed.length === 0 && passed > 0 ? 0 : 1;
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error) => {
    console.error(describeError(error));
    process.exitCode = 1;
  },
);
