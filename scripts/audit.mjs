/** Looks at where the dependencies come from, what they run when they are installed, and what is known against them. */

import { thisMachine } from "./setup/machine.mjs";
import { describeError, SetupError } from "./setup/setup-error.mjs";
import { askAdvisories, isGrave } from "./supply/advisories.mjs";
import { npmGraph } from "./supply/bill.mjs";
import { installRules, packagesWithScripts, scriptProblems } from "./supply/install-scripts.mjs";
import { lockProblems, readLock } from "./supply/lockfile.mjs";

const USAGE = "Usage: npm run audit [-- --offline]: --offline does not ask for advisories, and says so.";

/** @returns {number} how many problems there are */
function auditFiles(/** @type {import("./setup/machine.mjs").Machine} */ { root, say }) {
  const lock = readLock(root);
  const names = Object.keys(lock.packages).map(nameOf);
  const problems = [
    ...lockProblems(lock),
    ...scriptProblems(installRules(root), packagesWithScripts(root), [...new Set(names)]),
  ];
  for (const problem of problems) say(`problem: ${problem}`);
  say(`lockfile and install scripts: ${names.length} packages, ${problems.length} problems`);
  return problems.length;
}

/** @returns {string} */
function nameOf(/** @type {string} */ key) {
  return key.slice(0, key.lastIndexOf("@"));
}

/** @returns {Promise<number>} how many grave advisories there are */
async function auditAdvisories(/** @type {import("./setup/machine.mjs").Machine} */ machine) {
  const answer = await askAdvisories(machine);
  if ("unreachable" in answer) {
    throw new SetupError(
      "audit-unreachable",
      `Nobody said what is known against the dependencies: ${answer.unreachable}`,
      "npm's registry has to answer. Where it cannot be reached: npm run audit -- --offline",
    );
  }
  for (const { severity, module, title, url } of answer.advisories)
    machine.say(`${severity}: ${module}: ${title} (${url})`);
  const shipped = new Set([...npmGraph(machine.root, readLock(machine.root)).keys()].map(nameOf));
  const grave = answer.advisories.filter((advisory) => isGrave(advisory, shipped)).length;
  machine.say(`advisories: ${answer.advisories.length}, ${grave} of them high or critical in what users get`);
  return grave;
}

async function main() {
  const options = process.argv.slice(2);
  const unknown = options.find((option) => option !== "--offline");
  if (unknown !== undefined) throw new SetupError("option-invalid", `There is no option ${unknown}.`, USAGE);
  const machine = thisMachine();
  const problems = auditFiles(machine);
  const offline = options.includes("--offline");
  if (offline) machine.say("advisories: not asked for (--offline)");
  const grave = offline ? 0 : await auditAdvisories(machine);
  return problems + grave === 0 ? 0 : 1;
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error) => {
    console.error(describeError(error));
    process.exitCode = 2;
  },
);
