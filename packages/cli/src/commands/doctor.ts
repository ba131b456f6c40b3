import { type AssetStatus, describeAssets } from "@thaw/assets";
import { type Check, checkRunner } from "../check.ts";
import { EXIT } from "../exit-code.ts";
import { findRunner, installedRunners } from "../registry.ts";
import { VERSION } from "../version.ts";

const MIN_NODE = [20, 19] as const;

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const enough = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
  const found = `Node ${process.versions.node} on ${process.platform} ${process.arch}`;
  return enough
    ? { name: "node", status: "ok", found }
    : { name: "node", status: "missing", found, hint: `Install Node ${MIN_NODE.join(".")} or later.` };
}

function assetCheck({ name, kind, available, where, hint }: AssetStatus): Check {
  return {
    name: `${kind} ${name}`,
    status: available === "here" ? "ok" : "note",
    found: available === "here" ? where : `not here yet: ${where}`,
    ...(hint === undefined ? {} : { hint }),
  };
}

/**
 * `thaw doctor`: what is there and what is missing.
 * @returns 0 if every runner can run, those aside that may be left out; else 3
 */
export async function doctorCommand(options: { readonly json: boolean }): Promise<number> {
  const runners = await installedRunners();
  const checks: Check[] = [{ name: "thaw", status: "ok", found: VERSION }, checkNode()];
  // One after the other: each starts an engine, and two would fight over the same GPU.
  for (const [name, { optional }] of runners) checks.push(await checkRunner(name, findRunner, optional));
  checks.push(...(await describeAssets(process.env)).map(assetCheck));
  const exitCode = checks.some((check) => check.status === "missing") ? EXIT.runnerMissing : EXIT.fine;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ok: exitCode === EXIT.fine, checks }, null, 2)}\n`);
    return exitCode;
  }
  const width = Math.max(...checks.map((check) => check.name.length));
  for (const { name, status, found, hint } of checks) {
    process.stdout.write(`${status.padEnd(8)}${name.padEnd(width + 2)}${found}\n`);
    if (hint !== undefined) process.stdout.write(`${" ".repeat(width + 10)}hint: ${hint}\n`);
  }
  return exitCode;
}
