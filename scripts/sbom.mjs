/** Writes what Thaw is made of as CycloneDX JSON: on stdout, or into the file that is named. */

import { writeFileSync } from "node:fs";
import { thisMachine } from "./setup/machine.mjs";
import { describeError } from "./setup/setup-error.mjs";
import { billOfMaterials } from "./supply/bill.mjs";
import { readLock } from "./supply/lockfile.mjs";

async function main() {
  const { root } = thisMachine();
  const [file] = process.argv.slice(2);
  const bill = await billOfMaterials(root, readLock(root));
  if (file === undefined) process.stdout.write(bill);
  else writeFileSync(file, bill);
}

main().catch((error) => {
  console.error(describeError(error));
  process.exitCode = 2;
});
