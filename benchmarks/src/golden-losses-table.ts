import { createRunner as createBrowserRunner } from "@thaw/browser-runner";
import type { Runner } from "@thaw/core";
import { createRunner as createDawnRunner } from "@thaw/dawn-runner";
import { createRunner as createNodeRunner } from "@thaw/node-runner";
import { readGolden } from "./golden-file.ts";
import { goldenLosses } from "./golden-losses.ts";

// Prints the worst loss error of every runner and depth: THAW_ASSETS=… npm run golden-losses -- [runners, with commas]

const makers: Readonly<Record<string, (name: string) => Runner>> = {
  node: createNodeRunner,
  webgpu: createBrowserRunner,
  webgl: createBrowserRunner,
  wasm: createBrowserRunner,
  cpu: createBrowserRunner,
  dawn: createDawnRunner,
};
const names = process.argv[2]?.split(",") ?? Object.keys(makers);
const depths = [0, 50, 100, 154];
const golden = await readGolden();
process.stdout.write(`| runner | ${depths.join(" | ")} |\n|---|${depths.map(() => "---|").join("")}\n`);
for (const name of names) {
  const runner = makers[name]?.(name);
  if (runner === undefined) continue;
  const cells: string[] = [];
  for (const depth of depths) {
    const { errors, frozen } = await goldenLosses(golden, runner, depth);
    cells.push(`${Math.max(...errors).toExponential(1)}${frozen.before === frozen.after ? "" : " frozen MOVED"}`);
  }
  await runner.close?.();
  process.stdout.write(`| ${name} | ${cells.join(" | ")} |\n`);
}
