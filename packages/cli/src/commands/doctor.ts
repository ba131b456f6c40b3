import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type AssetStatus, describeAssets } from "@thaw/assets";
import { serializeError } from "@thaw/core";
import { EXIT } from "../exit-code.ts";
import { findRunner, installedRunners } from "../registry.ts";
import { VERSION } from "../version.ts";

/** One thing that was looked at. */
interface Check {
  readonly name: string;
  readonly status: "ok" | "missing" | "note";
  readonly found: string;
  readonly hint?: string;
}

const MIN_NODE = [20, 19] as const;
const CHROMIUM_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const enough = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
  const found = `Node ${process.versions.node} on ${process.platform} ${process.arch}`;
  return enough
    ? { name: "node", status: "ok", found }
    : { name: "node", status: "missing", found, hint: `Install Node ${MIN_NODE.join(".")} or later.` };
}

async function checkRunner(name: string): Promise<Check[]> {
  try {
    const availability = await (await findRunner(name)).probe();
    if (!availability.ok) {
      return [{ name: `runner ${name}`, status: "missing", found: availability.reason, hint: availability.hint }];
    }
    const { engine, device, settings, versions } = availability.environment;
    const software = device.software ? " (software)" : "";
    const details = Object.entries({ ...settings, ...versions }).map(
      ([key, value]) => `${key} ${value === "" ? "none" : value}`,
    );
    const found = `${engine} on ${device.kind} ${device.name}${software}; ${details.join(", ")}`;
    const checks: Check[] = [{ name: `runner ${name}`, status: "ok", found }];
    if (device.note !== undefined)
      checks.push({ name: `gpu for ${name}`, status: "note", found: `none: ${device.note}` });
    return checks;
  } catch (error) {
    const { message, hint } = serializeError(error);
    return [{ name: `runner ${name}`, status: "missing", found: message, ...(hint === undefined ? {} : { hint }) }];
  }
}

function checkChromium(runners: readonly string[]): Check[] {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const binary = CHROMIUM_NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
  const chromium: Check =
    binary === undefined
      ? { name: "chromium", status: "note", found: "none on PATH; no installed runner needs it" }
      : { name: "chromium", status: "ok", found: binary };
  const adapter: Check = {
    name: "webgpu adapter",
    status: "note",
    found: "not asked for: no WebGPU runner is installed",
  };
  return runners.includes("webgpu") ? [chromium] : [chromium, adapter];
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
 * @returns 0 if every runner can run, else 3
 */
export async function doctorCommand(options: { readonly json: boolean }): Promise<number> {
  const runners = [...(await installedRunners()).keys()];
  const checks: Check[] = [{ name: "thaw", status: "ok", found: VERSION }, checkNode()];
  for (const name of runners) checks.push(...(await checkRunner(name)));
  checks.push(...checkChromium(runners), ...(await describeAssets(process.env)).map(assetCheck));
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
