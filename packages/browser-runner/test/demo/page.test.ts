import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { preparePlan } from "@thaw/assets";
import { buildNetwork, parseSafetensors, parseSpec, readSavedModel } from "@thaw/core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRunner } from "../../src/index.ts";
import { type LaunchedBrowser, launchBrowser } from "../../src/launch.ts";
import { fillClasses, openSite, SHOES, type Site, shoes, trainToEnd, type Visit, visit } from "./site.ts";

const INERT = '<img src="x" onerror="document.title=1">';

/** Presses a button that saves a file. @returns its path */
async function saved(page: Page, button: string, folder: string): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: button, exact: true }).click(),
  ]);
  const file = join(folder, download.suggestedFilename());
  await download.saveAs(file);
  return file;
}

/** Drops files on an element as a visitor does: the browser makes the list that the page reads. */
async function dropOn(page: Page, selector: string, files: readonly string[]): Promise<void> {
  const contents = await Promise.all(
    files.map(async (file) => ({ name: basename(file), base64: (await readFile(file)).toString("base64") })),
  );
  const dataTransfer = await page.evaluateHandle((given) => {
    const transfer = new DataTransfer();
    for (const { name, base64 } of given) {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
    }
    return transfer;
  }, contents);
  for (const type of ["dragenter", "dragover", "drop"]) await page.dispatchEvent(selector, type, { dataTransfer });
}

const numbers = async (page: Page, selector: string): Promise<number[]> =>
  (await page.locator(selector).allTextContents()).map(Number.parseFloat);

describe.skipIf(SHOES === undefined)("the page in a visitor's browser (THAW_ASSETS)", () => {
  let site: Site;
  let launched: LaunchedBrowser;
  let visited: Visit;
  let page: Page;
  let folder: string;
  beforeAll(async () => {
    [site, launched] = await Promise.all([openSite(), launchBrowser("software")]);
    visited = await visit(launched.browser, site);
    page = visited.page;
    folder = await mkdtemp(join(tmpdir(), "thaw-saved-"));
  });
  afterAll(async () => {
    await launched.close();
    await site.close();
    await rm(folder, { recursive: true });
  });

  it("names the device, and an emulated one as such", async () => {
    await expect
      .poll(() => page.locator("#device").textContent(), { timeout: 20_000 })
      .toBe("WebGPU on software (SwiftShader). This GPU is emulated by the processor: right numbers, slowly.");
  });

  it("takes photos that are picked, dropped, and dropped twice", async () => {
    await fillClasses(page, 8);
    await page.getByRole("button", { name: "Add a class" }).click();
    await dropOn(page, ".class-card:nth-child(3)", await shoes("sneakers", 8));
    await page.getByText("8 photos were added to Class 3.").waitFor();
    const [again = ""] = await shoes("boots", 1);
    await dropOn(page, ".class-card:nth-child(3)", [again]);
    await page
      .getByText(`0 photos were added to Class 3. Left out: ${basename(again)} is in Class 1 already.`)
      .waitFor();
    expect(await page.locator(".thumbnails img").count()).toBe(24);
  });

  it("says which files are no photos", async () => {
    const file = join(folder, "notes.jpg");
    await writeFile(file, "no picture");
    await page.locator(".class-card input[type=file]").first().setInputFiles(file);
    await page.getByText("Left out: The browser cannot open notes.jpg as a picture.").waitFor();
  });

  it("takes a class's name as text, and no name twice", async () => {
    const name = page.locator(".class-name").nth(2);
    await name.fill("Class 1");
    await name.press("Tab");
    await page.getByText("There is a class Class 1 already.").waitFor();
    await name.fill(INERT);
    await name.press("Tab");
    expect(await page.locator(".flaw").nth(2).textContent()).toBe("");
  });

  it("moves what is frozen by keys, block by block or layer by layer, and never says a bare number", async () => {
    const slider = page.getByRole("slider", { name: "Frozen layers" });
    const sentence = (): Promise<string | null> => page.locator("#freeze-sentence").textContent();
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    expect(await slider.inputValue()).toBe("125");
    expect(await sentence()).toContain("block_14_expand is the first that trains.");
    expect(await slider.getAttribute("aria-valuetext")).toBe(await sentence());
    await page.getByLabel("Move by single layers").check();
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    expect(await sentence()).toMatch(/^The first 126 of 154 layers .* block_14_expand_BN is the first that trains\.$/);
    await page.keyboard.press("End");
    expect(await sentence()).toBe("All 154 pretrained layers are frozen: the head alone trains.");
    await page.keyboard.press("Home");
    expect(await sentence()).toBe("Nothing is frozen: everything from Conv1 to the head trains.");
    expect(await page.locator("#network g.frozen").count()).toBe(0);
    await page.getByLabel("Move by single layers").uncheck();
    await slider.fill("140"); // within block 15 and 16: the nearest end of a block
    expect(await slider.inputValue()).toBe("143");
    expect(await page.locator("#network g.frozen").count()).toBe(143);
    expect(await page.locator("#layer-table tbody tr").nth(143).textContent()).toContain("trains");
  });

  it("trains with WebGPU while the curves grow, and judges what was held out", async () => {
    await page.locator("#epochs").fill("4");
    await page.locator("#learning-rate").fill("0.001");
    const drawn = (): Promise<string> =>
      page.locator("#loss-curve canvas").evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    const before = await drawn();
    expect(await trainToEnd(page)).toMatch(/^Done: 4 epochs in [\d.]+ s, \d+ images\/s\.$/);
    expect(await drawn()).not.toBe(before);
    const losses = await numbers(page, "#epoch-table td:nth-child(2)");
    expect(losses).toHaveLength(4);
    expect(losses[3]).toBeLessThan((losses[0] ?? 0) / 2);
    const counts = await numbers(page, "#confusion tbody td");
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(6); // a quarter of 3 x 8
    const right = (counts[0] ?? 0) + (counts[4] ?? 0) + (counts[8] ?? 0);
    expect(await page.locator("#mistakes li").count()).toBe(6 - right);
    expect(await page.locator("#result-sentence").textContent()).toContain(
      `${((right / 6) * 100).toFixed(1)} % of the 6`,
    );
  });

  it("classifies a photo that it has not seen", async () => {
    const [photo = ""] = await shoes("boots", 1, 12);
    await dropOn(page, "#classify-drop", [photo]);
    await page.getByText(`${basename(photo)}: most likely`).waitFor();
    const shares = await numbers(page, "#classify-result .share");
    expect(shares).toHaveLength(3);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 0);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
  });

  it("saves a model that the runner trains bit for bit from the experiment that it saves", async () => {
    const model = await readFile(await saved(page, "Download the model", folder));
    const weights = parseSafetensors(model, "model");
    const spec = parseSpec(JSON.parse(await readFile(await saved(page, "Experiment (JSON)", folder), "utf8")));
    const { layers } = buildNetwork(spec.model, 3);
    const names = layers.flatMap((layer) => layer.weights.map((weight) => `${layer.name}/${weight.name}`));
    expect([...weights.keys()]).toEqual(names);
    const { record } = await readSavedModel(model, "model.safetensors");
    expect(record.data.classes).toEqual(["Class 1", "Class 2", INERT]);
    expect(record.spec).toEqual(spec);
    expect("environment" in record && record.environment.device.software).toBe(true);

    await saved(page, "Photos as pixels (safetensors)", folder);
    const { plan, storeDir } = await preparePlan(spec, {
      baseDir: folder,
      env: { THAW_ASSETS: join(site.folder, "weights") },
    });
    const runner = createRunner("webgpu");
    const exportWeights = join(folder, "runner.safetensors");
    const losses: string[] = [];
    try {
      for await (const event of runner.run(plan, { storeDir, settings: {}, exportWeights })) {
        if (event.type === "epoch") losses.push(event.train.loss.toFixed(4));
      }
    } finally {
      await runner.close?.();
    }
    expect(await page.locator("#epoch-table td:nth-child(2)").allTextContents()).toEqual(losses);
    const found = parseSafetensors(await readFile(exportWeights), "the runner's weights");
    for (const [name, { data }] of found) expect(weights.get(name)?.data, name).toEqual(data);
  });

  it("stops when it is told to, and trains again", async () => {
    await page.locator("#epochs").fill("5000");
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.locator("#epoch-table tbody tr").nth(1).waitFor({ state: "attached", timeout: 60_000 });
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.locator("#training-status", { hasText: "Cancelled." }).waitFor();
    await page.locator("#epochs").fill("1");
    expect(await trainToEnd(page)).toMatch(/^Done: 1 epoch in/);
  });

  it("says what is missing instead of training", async () => {
    await page.getByRole("button", { name: "Add a class" }).click();
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.getByText("The class Class 4 has no photo.").waitFor();
    await page.locator("#epochs").fill("0");
    await page.getByRole("button", { name: "Train", exact: true }).click();
    expect(await page.locator("#epochs:invalid").count()).toBe(1);
    await page.getByRole("button", { name: "Remove class Class 4" }).click();
  });

  it("took names as text, asked nobody else, and broke no rule of its own policy", async () => {
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(await page.title()).toBe("Thaw: train on your own photos");
    expect(await page.locator("#confusion th", { hasText: INERT }).count()).toBe(2);
    expect(visited.strangers).toEqual([]);
    expect(visited.errors).toEqual([]);
  });
});
