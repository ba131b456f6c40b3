import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import { chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumFlags } from "../../src/chromium-flags.ts";
import { type LaunchedBrowser, launchBrowser } from "../../src/launch.ts";
import { findChromium } from "../../src/locate-chromium.ts";
import { fillClasses, openSite, SHOES, type Site, trainToEnd, visit } from "./site.ts";

/** What axe finds wrong, one line each. */
async function violations(page: Page, source: string): Promise<string[]> {
  await page.evaluate(source);
  const { violations: found } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

const classNames = (page: Page): Promise<string[]> =>
  page.locator(".class-name").evaluateAll((fields) => fields.map((field) => (field as HTMLInputElement).value));

describe.skipIf(SHOES === undefined)("the page for everybody (THAW_ASSETS)", () => {
  let site: Site;
  let launched: LaunchedBrowser;
  let axe: string;
  beforeAll(async () => {
    axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    [site, launched] = await Promise.all([openSite(), launchBrowser("software")]);
  });
  afterAll(async () => {
    await launched.close();
    await site.close();
  });

  it.each(["light", "dark"] as const)("breaks no rule of axe, empty or with a result, %s", async (scheme) => {
    const { page } = await visit(launched.browser, site, scheme);
    expect(await violations(page, axe)).toEqual([]);
    await fillClasses(page, 3);
    await page.locator("#epochs").fill("1");
    await trainToEnd(page);
    await page.locator("details").evaluateAll((all) => {
      for (const details of all) (details as HTMLDetailsElement).open = true;
    });
    expect(await violations(page, axe)).toEqual([]);
    await page.context().close();
  });

  it("fits a narrow screen", async () => {
    const { page } = await visit(launched.browser, site);
    await page.setViewportSize({ width: 360, height: 700 });
    await page.getByRole("button", { name: "Use example photos" }).click();
    await page.getByText("2 photos were added to sandals.").waitFor();
    const [scrolls, shows] = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return [scrollWidth, clientWidth];
    });
    expect(scrolls).toBe(shows);
    await page.context().close();
  });

  it("takes a folder of folders as classes", async () => {
    const { page } = await visit(launched.browser, site);
    await page.locator("#add-folder").setInputFiles(`${site.folder}/examples`);
    await page.getByText("2 photos were added to sandals.").waitFor();
    expect(await classNames(page)).toEqual(["boots", "sandals"]);
    await page.context().close();
  });

  it("takes folders that are dropped, with what lies deeper in them", async () => {
    const { page } = await visit(launched.browser, site);
    const heading = page.getByRole("heading", { name: "Photos", exact: true });
    const { x = 0, y = 0 } = (await heading.boundingBox()) ?? {};
    const devtools = await page.context().newCDPSession(page);
    const data = { items: [], files: [`${site.folder}/examples`], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"] as const) {
      await devtools.send("Input.dispatchDragEvent", { type, x: x + 5, y: y + 5, data });
    }
    await page.getByText("2 photos were added to sandals.").waitFor();
    expect(await classNames(page)).toEqual(["boots", "sandals"]);
    expect(await page.locator(".held-over").count()).toBe(0);
    await page.context().close();
  });

  it("says so where there is no WebGPU, and trains on the processor only when it is asked to", async () => {
    const gpuless = chromiumFlags({ platform: process.platform, isRoot: process.getuid?.() === 0, gpu: "software" });
    const { path } = await findChromium();
    const browser = await chromium.launch({
      executablePath: path,
      args: gpuless.filter((flag) => !flag.includes("webgpu")),
    });
    try {
      const { page, strangers } = await visit(browser, site);
      await page.getByRole("heading", { name: "This browser offers no GPU to train on" }).waitFor();
      expect(await page.locator("#device").textContent()).toBe("WebGPU is not there");
      await fillClasses(page, 3);
      await page.locator("#epochs").fill("2");
      await page.getByRole("button", { name: "Train", exact: true }).click();
      await page.locator("#failure-code", { hasText: "webgpu-unavailable" }).waitFor();
      await page.getByRole("button", { name: "Train on the processor (WebAssembly)" }).click();
      await page.locator("#device", { hasText: "WebAssembly on this computer's processor" }).waitFor();
      expect(await trainToEnd(page)).toMatch(/^Done: 2 epochs/);
      await page.locator("#epochs").fill("5000");
      await page.getByRole("button", { name: "Train", exact: true }).click();
      await page.locator("#epoch-table tbody tr").nth(0).waitFor({ state: "attached", timeout: 60_000 });
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.locator("#training-status", { hasText: "Cancelled." }).waitFor();
      expect(strangers).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
