import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { preview } from "vite";
import { buildDemo } from "../../demo/build/demo-folder.ts";
import { DEFAULT_WEIGHTS, parseWeightsOption } from "../../demo/build/weights-option.ts";

/** The folder of shoe photos, where this machine has it. */
export const SHOES: string | undefined = (process.env.THAW_ASSETS ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "shoes"))
  .find((folder) => existsSync(join(folder, "boots")));

/** Paths of the first photos of a class. */
export async function shoes(name: string, count: number, from = 0): Promise<string[]> {
  const folder = join(SHOES ?? "", name);
  const names = (await readdir(folder)).sort().slice(from, from + count);
  return names.map((file) => join(folder, file));
}

/** The built page on a server that knows files and nothing else. */
export interface Site {
  readonly url: string;
  readonly folder: string;
  close(): Promise<void>;
}

/** Builds the page with the small network, and serves it on the loopback interface. */
export async function openSite(examples = true): Promise<Site> {
  const parent = await mkdtemp(join(tmpdir(), "thaw-demo-"));
  const folder = join(parent, "page");
  await buildDemo({
    out: folder,
    weights: DEFAULT_WEIGHTS.slice(0, 1).map(parseWeightsOption),
    examples: examples
      ? { source: SHOES ?? "", most: 2, classes: ["boots", "sandals"], credit: "Somebody's photos" }
      : null,
  });
  const host = "127.0.0.1";
  const server = await preview({
    configFile: false,
    root: parent,
    build: { outDir: folder },
    preview: { port: 0, host },
    logLevel: "silent",
  });
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Error("The server has no address.");
  return {
    url,
    folder,
    async close() {
      await server.close();
      await rm(parent, { recursive: true });
    },
  };
}

/** A page with what it said and asked for. */
export interface Visit {
  readonly page: Page;
  /** Errors on the console and of the page. */
  readonly errors: string[];
  /** Addresses asked for that are none of the site's. */
  readonly strangers: string[];
}

/** Opens the page in a context of its own. */
export async function visit(browser: Browser, site: Site, scheme: "light" | "dark" = "light"): Promise<Visit> {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width: 1200, height: 900 } });
  const errors: string[] = [];
  const strangers: string[] = [];
  context.on("request", (request) => {
    if (!request.url().startsWith(site.url) && !/^(blob|data):/.test(request.url())) strangers.push(request.url());
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(site.url);
  await page.locator("#weights option").first().waitFor({ state: "attached" });
  return { page, errors, strangers };
}

/** Fills the first two classes and chooses small images. */
export async function fillClasses(page: Page, count: number): Promise<void> {
  const pickers = page.locator(".class-card input[type=file]");
  for (const [index, name] of ["boots", "sandals"].entries()) {
    await pickers.nth(index).setInputFiles(await shoes(name, count));
    await page.locator(".class-card").nth(index).getByText(`${count} photos`, { exact: true }).waitFor();
  }
  await page.locator("#advanced summary").click();
  await page.locator("#image-size").selectOption("96");
}

/** Presses Train and waits for the end. @returns the last line */
export async function trainToEnd(page: Page): Promise<string> {
  await page.getByRole("button", { name: "Train", exact: true }).click();
  const end = page.locator("#result:not([hidden]), #training-failure:not([hidden])");
  await end.waitFor({ timeout: 120_000 });
  return (await page.locator("#training-status").textContent()) ?? "";
}
