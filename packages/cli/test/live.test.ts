import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type LaunchedBrowser, launchBrowser } from "@thaw/browser-runner/internals";
import { writeSafetensors } from "@thaw/core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandRun, ending, SMALL_SPEC, start, temporaryFolder, thaw } from "./command-line.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const HOSTILE = ['<img src=x onerror="window.hacked=1">', "\u202Etxet", "=two\nlines"];

let chromium: LaunchedBrowser;
beforeAll(async () => {
  chromium = await launchBrowser("software");
});
afterAll(() => chromium.close());

/** A sweep of three cells over images that are no photos, in classes with names that try to be more. */
function sweepFile(folder: string, epochs: number): string {
  const count = 48;
  const pixels = Uint8Array.from(
    { length: count * 32 * 32 * 3 },
    (_, index) => (index * 7919 + (index >> 9) * 31) % 251,
  );
  const labels = Int32Array.from({ length: count }, (_, index) => index % HOSTILE.length);
  const tensors = new Map([
    ["images", { dtype: "uint8", shape: [count, 32, 32, 3], data: pixels }],
    ["labels", { dtype: "int32", shape: [count], data: labels }],
  ] as const);
  writeFileSync(join(folder, "images.safetensors"), writeSafetensors(tensors));
  const { freeze: _freeze, record: _record, ...spec } = SMALL_SPEC;
  const data = { kind: "tensors", file: "images.safetensors", classes: HOSTILE };
  const cells = [0, 100, 154].map((freeze) => ({ label: `freeze-${freeze}`, freeze }));
  const groups = [{ name: "depth", cells }];
  const file = join(folder, "sweep.json");
  writeFileSync(file, JSON.stringify({ version: 1, name: "watched", experiment: { ...spec, data, epochs }, groups }));
  return file;
}

interface Watched {
  readonly child: ChildProcess;
  readonly url: string;
  readonly ended: Promise<CommandRun>;
}

/** Starts a sweep with `--ui` and waits for its address. */
async function watch(file: string, out: string): Promise<Watched> {
  const child = start(["sweep", file, "--out", out, "--ui"]);
  const ended = ending(child);
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const found = /Watch it at (http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{48}\/)\n/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("close", () => reject(new Error(said)));
  });
  return { child, url, ended };
}

async function openPage(url: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await chromium.browser.newPage({ viewport: { width: 1360, height: 900 } });
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, complaints };
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const run =
    "axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html.slice(0, 200))))";
  return (await page.evaluate(run)) as string[];
}

/** The status of an answer to a request that no page would send. */
function ask(url: string, path: string, method: string, headers: Record<string, string>): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path, method, headers }, (response) => {
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/** Points of a cell's validation curve. */
async function curvePoints(page: Page, cell: string): Promise<number> {
  const paths = page.locator(`#cell-${cell} [data-part=accuracy] path[stroke="var(--ink)"]`);
  if ((await paths.count()) === 0) return 0;
  return ((await paths.first().getAttribute("d")) ?? "").split("L").length;
}

const stateOf = (page: Page, cell: string): Promise<string | null> =>
  page.locator(`#cell-${cell} [data-part=state]`).textContent();
const patient = { timeout: 90_000, interval: 100 };

describe("thaw sweep --ui", () => {
  it("shows a sweep as it runs, lets a cell be cancelled, and ends as a report", { timeout: 240_000 }, async () => {
    const folder = temporaryFolder();
    const file = sweepFile(folder, 60);
    const out = join(folder, "results");
    const { url, ended } = await watch(file, out);
    const { page, complaints } = await openPage(url);
    const { pathname, origin, host } = new URL(url);

    await expect.poll(() => page.locator("#cells tr").count(), patient).toBe(3);
    expect(await stateOf(page, "c3")).toContain("queued");
    await expect.poll(() => curvePoints(page, "c1"), patient).toBeGreaterThan(2);
    const before = await curvePoints(page, "c1");
    await expect.poll(() => curvePoints(page, "c1"), patient).toBeGreaterThan(before);
    expect(await violations(page)).toEqual([]);

    // A page that comes later, or comes back, sees the same.
    const { page: second } = await openPage(url);
    await expect.poll(() => curvePoints(second, "c1"), patient).toBeGreaterThan(before);
    await second.close();

    // Who does not know the token, or is another site's page, gets nothing.
    expect(await ask(url, "/", "GET", { host })).toBe(404);
    expect(await ask(url, `/${"0".repeat(48)}/events`, "GET", { host })).toBe(404);
    expect(await ask(url, pathname, "GET", { host: "example.org" })).toBe(404);
    const cancel = `${pathname}cells/c1/cancel`;
    expect(await ask(url, cancel, "POST", { host, origin: "http://example.org" })).toBe(404);
    expect(await ask(url, cancel, "POST", { host })).toBe(403);
    expect(await ask(url, cancel, "POST", { host, origin, "sec-fetch-site": "cross-site" })).toBe(404);
    expect(await ask(url, `${pathname}cells/c9/cancel`, "POST", { host, origin })).toBe(409);
    expect(await ask(url, pathname, "PUT", { host })).toBe(405);
    expect(await ask(url, `${pathname}../package.json`, "GET", { host })).toBe(404);
    expect(await stateOf(page, "c1")).toContain("epoch");

    await page.locator("#cell-c1 button").press("Enter");
    await expect.poll(() => stateOf(page, "c1"), patient).toContain("cancelled: no result is kept");
    await expect.poll(() => page.locator("#progress").textContent(), patient).toContain("The sweep is over.");
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toContain("watched-depth-freeze-0 on node: cancelled; the same command runs it again");

    // The process has gone; what it has left is a report that works.
    expect(await page.locator("#best h2").textContent()).toContain("Best row");
    expect(await page.locator("#table tbody tr:not(.group)").count()).toBe(2);
    expect(await page.evaluate(() => (globalThis as { hacked?: unknown }).hacked)).toBeUndefined();
    const names = await page.locator("#mistakes .confusion").first().locator("tbody th").allTextContents();
    expect(names).toEqual([HOSTILE[0], "‹U+202E›txet", "=two ⏎ lines"]);
    await page.locator('nav a[href="#runs"]').click();
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();

    const kept = readdirSync(out).filter((name) => name.endsWith(".json"));
    expect(kept.some((name) => name.includes("freeze-0-"))).toBe(false);
    expect(kept.length).toBe(2);
    const again = await thaw(["sweep", sweepFile(folder, 60), "--out", out]);
    expect(again.code).toBe(0);
    expect(again.stderr).toContain("watched-depth-freeze-100 on node: done before");
    expect(readdirSync(out).filter((name) => name.endsWith(".json")).length).toBe(3);
  });

  it("says that the connection is lost when its process dies", { timeout: 120_000 }, async () => {
    const folder = temporaryFolder();
    const { child, url, ended } = await watch(sweepFile(folder, 400), join(folder, "results"));
    const { page } = await openPage(url);
    await expect.poll(() => curvePoints(page, "c1"), patient).toBeGreaterThan(1);
    child.kill("SIGKILL");
    await ended;
    await expect.poll(() => page.locator("#connection").textContent(), patient).toContain("Connection lost");
    expect(await page.locator("#cells tr").count()).toBe(3);
    await page.close();
  });
});
