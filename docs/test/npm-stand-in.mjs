// Stands in for npm where a page's commands are tried: the whole jobs behind the scripts are run by CI, or by nobody's
// test for their length; that the scripts are there is what can be told here.
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";

const [root = "", reader = "", here = "", command = "", ...rest] = process.argv.slice(2);
const script = command === "run" ? rest[0] : command;
const manifest = JSON.parse(readFileSync(join(root, relative(reader, here), "package.json"), "utf8"));
if (manifest.scripts?.[script] === undefined) {
  console.error(`${manifest.name} has no script "${script}".`);
  process.exitCode = 1;
}
