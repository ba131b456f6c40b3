import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { type LaunchedBrowser, launchBrowser } from "@thaw/browser-runner/internals";
import { parse } from "csv-parse/sync";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportPage } from "../src/index.ts";
import { fullInput, HOSTILE, pageFile, renamed } from "./page-example.ts";
import { allResults, exampleResults, olderResult } from "./results-example.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let chromium: LaunchedBrowser;
beforeAll(async () => {
  chromium = await launchBrowser("software");
});
afterAll(() => chromium.close());

interface OpenPage {
  readonly page: Page;
  /** Addresses that were asked for beside the file. */
  readonly requests: string[];
  readonly complaints: string[];
}

async function openPage(file: string, colorScheme: "light" | "dark" = "light"): Promise<OpenPage> {
  const page = await chromium.browser.newPage({ colorScheme, viewport: { width: 1360, height: 900 } });
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  const address = pathToFileURL(file).href;
  page.on("request", (request) => {
    if (request.url() !== address && !request.url().startsWith("data:")) requests.push(request.url());
  });
  await page.goto(address);
  return { page, requests, complaints };
}

/** What axe finds wrong, a line each. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> };
    };
    const { violations: found } = await axe.run();
    return found.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
    );
  });
}

describe("reportPage in Chromium", () => {
  it("opens from a file, asks for nothing, runs nothing and breaks no policy", async () => {
    const { page, requests, complaints } = await openPage(await pageFile(fullInput()));
    await page.mouse.wheel(0, 20_000);
    expect(requests).toEqual([]);
    expect(complaints).toEqual([]);
    expect(await page.locator("script, iframe, object, link[rel=stylesheet], [style], [onclick]").count()).toBe(0);
    const blocked = await page.evaluate(() =>
      fetch("http://127.0.0.1:9/").then(
        () => "reached",
        (error) => String(error),
      ),
    );
    expect(blocked).toContain("Failed to fetch");
    expect(complaints.join(" ")).toContain("Content Security Policy");
    await page.close();
  });

  it("shows counts, intervals, what trains, mistakes, parity and speed", async () => {
    const { page } = await openPage(await pageFile(fullInput()));
    const row = page.locator("#row-1");
    await expect.poll(() => row.textContent()).toContain("20/61, 25/60, 30/66");
    expect(await row.locator(".strip").getAttribute("aria-label")).toContain(
      "From image to classes: input_layer to head trains",
    );
    expect(await page.locator("#best").textContent()).toContain("Paired over seeds 0, 1, 2");
    expect(await page.locator(".confusion").count()).toBeGreaterThan(1);
    expect(await page.locator(".photos li").count()).toBe(12);
    expect(await page.locator("#parity").textContent()).toContain("Where they part first");
    expect(await page.locator("#speed").textContent()).toContain("pytorch is missing: not installed");
    await page.close();
  });

  it.each(["light", "dark"] as const)("satisfies axe in %s, everything unfolded", async (scheme) => {
    const { page } = await openPage(await pageFile(fullInput(allResults())), scheme);
    await page.evaluate(() => {
      for (const details of document.querySelectorAll("details")) details.open = true;
    });
    expect(await violations(page)).toEqual([]);
    await page.close();
  });

  it("follows the system's scheme, and the choice above it", async () => {
    const { page } = await openPage(await pageFile(fullInput()), "dark");
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await ground();
    await page.keyboard.press("Tab"); // to the link that skips
    await page.keyboard.press("Tab"); // to the choice of theme
    await page.keyboard.press("ArrowRight");
    const light = await ground();
    expect(light).not.toBe(dark);
    await page.keyboard.press("ArrowRight");
    expect(await ground()).toBe(dark);
    await page.emulateMedia({ media: "print" });
    expect(await ground()).toBe("rgb(255, 255, 255)");
    await page.close();
  });

  it("goes from the skip link through theme and sections to the table by keyboard", async () => {
    const { page } = await openPage(await pageFile(fullInput()));
    const order: string[] = [];
    for (let press = 0; press < 14; press += 1) {
      await page.keyboard.press("Tab");
      order.push(
        await page.evaluate(() => {
          const { id, tagName, textContent, className } = document.activeElement as HTMLElement;
          return tagName === "A" ? (textContent ?? "") : id || `${tagName.toLowerCase()}.${className}`;
        }),
      );
    }
    expect(order.slice(0, 10)).toEqual([
      "Skip to the results",
      "theme-auto",
      "Best row",
      "Experiments",
      "Mistakes",
      "Parity",
      "Speed",
      "Runs",
      "Environment",
      "freeze-0",
    ]);
    await page.keyboard.press("Home");
    await page.locator(".skip").focus();
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
    await page.close();
  });

  it("saves every epoch as CSV", async () => {
    const { page } = await openPage(await pageFile(fullInput()));
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.locator('a[download="epochs.csv"]').click(),
    ]);
    expect(download.suggestedFilename()).toBe("epochs.csv");
    const records = parse(readFileSync((await download.path()) ?? "", "utf8"), { columns: true }) as Record<
      string,
      string
    >[];
    expect(records.length).toBe(exampleResults().reduce((sum, { epochs }) => sum + epochs.length, 0));
    const [first] = exampleResults();
    expect(records[0]).toMatchObject({ row: "freeze-0", seed: "0", epoch: "1" });
    expect(Number(records[0]?.validation_loss)).toBe(first?.epochs[0]?.validation?.loss);
    await page.close();
  });

  it("prints on paper, without what is only for a screen", async () => {
    const { page } = await openPage(await pageFile(fullInput()));
    expect((await page.pdf({ preferCSSPageSize: true })).byteLength).toBeGreaterThan(20_000);
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("nav").isVisible()).toBe(false);
    expect(await page.locator(".theme").isVisible()).toBe(false);
    expect(await page.locator("#row-1 .strip").isVisible()).toBe(true);
    await page.close();
  });

  it.each([390, 820, 1360])("fits a window of %d pixels", async (width) => {
    const { page } = await openPage(await pageFile(fullInput(allResults())));
    await page.setViewportSize({ width, height: 900 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    await page.close();
  });

  it("shows hostile names as the text that they are", async () => {
    const results = renamed(exampleResults(), HOSTILE.classes);
    const file = await pageFile({ ...fullInput(results), title: HOSTILE.title });
    const { page, requests, complaints } = await openPage(file);
    expect(await page.title()).toBe(HOSTILE.title);
    expect(await page.evaluate(() => (globalThis as { hacked?: unknown }).hacked)).toBeUndefined();
    expect([requests, complaints]).toEqual([[], []]);
    const heads = await page.locator("#mistakes .confusion").first().locator("tbody th").allTextContents();
    expect(heads.slice(0, 4)).toEqual([HOSTILE.classes[0], HOSTILE.classes[1], "‹U+202E›txet", "two ⏎ lines"]);
    expect(await page.locator("script").count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    await page.close();
  });

  it("says what older results do not tell, and what was left out", async () => {
    const input = {
      ...fullInput(exampleResults().map(olderResult)),
      photos: { kind: "left-out" } as const,
      parity: [],
      speed: null,
    };
    const { page } = await openPage(await pageFile(input));
    expect(await page.locator("#mistakes").textContent()).toContain("do not say which images were held out");
    expect(await page.locator("#mistakes").textContent()).toContain("do not say how sure the network was");
    expect(await page.locator("#parity").count()).toBe(0);
    await page.close();
  });
});

describe("reportPage", () => {
  it("gives the same page for the same results", async () => {
    expect(await reportPage(fullInput())).toBe(await reportPage(fullInput(exampleResults().reverse())));
  });
});
