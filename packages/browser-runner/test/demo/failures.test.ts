import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSafetensors, writeSafetensors } from "@thaw/core";
import { descendantsOf } from "@thaw/runner-kit";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DemoManifest } from "../../demo/build/manifest.ts";
import { type LaunchedBrowser, launchBrowser } from "../../src/launch.ts";
import { fillClasses, openSite, SHOES, type Site, trainToEnd, visit } from "./site.ts";

/** What the page says went wrong: code, message and hint. */
async function failure(page: Page): Promise<string> {
  await page.locator("#training-failure:not([hidden])").waitFor({ timeout: 60_000 });
  return ((await page.locator("#training-failure").textContent()) ?? "").replaceAll(/\s+/g, " ");
}

describe.skipIf(SHOES === undefined)("the page when something fails (THAW_ASSETS)", () => {
  let site: Site;
  let launched: LaunchedBrowser;
  let folder: string;
  beforeAll(async () => {
    [site, launched] = await Promise.all([openSite(false), launchBrowser("software")]);
    folder = await mkdtemp(join(tmpdir(), "thaw-weights-"));
  });
  afterAll(async () => {
    await launched.close();
    await site.close();
    await rm(folder, { recursive: true });
  });

  async function shippedWeights(): Promise<string> {
    const manifest = JSON.parse(await readFile(join(site.folder, "manifest.json"), "utf8")) as DemoManifest;
    return join(site.folder, "weights", manifest.weights[0]?.file ?? "");
  }

  it("says that the GPU was lost, and trains with it when it is back", async () => {
    const { page } = await visit(launched.browser, site);
    await fillClasses(page, 3);
    await page.locator("#epochs").fill("5000");
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.locator("#epoch-table tbody tr").first().waitFor({ state: "attached", timeout: 60_000 });
    const gpu = descendantsOf(process.pid).filter(({ command }) => command.includes("--type=gpu-process"));
    expect(gpu).toHaveLength(1);
    for (const { pid } of gpu) process.kill(pid, "SIGKILL");
    expect(await failure(page)).toMatch(/^ ?The WebGPU device was lost .* Code: gpu-lost ?$/);
    expect(await page.locator("#training-status").textContent()).toBe("Not trained.");
    await page.locator("#device", { hasText: "WebGPU on software (SwiftShader)" }).waitFor();
    await page.locator("#epochs").fill("1");
    expect(await trainToEnd(page)).toMatch(/^Done: 1 epoch/);
    expect(await page.locator("#training-failure").isHidden()).toBe(true);
    await page.context().close();
  });

  it("ends a run when another engine is chosen", async () => {
    const { page } = await visit(launched.browser, site);
    await fillClasses(page, 3);
    await page.locator("#epochs").fill("5000");
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.locator("#epoch-table tbody tr").first().waitFor({ state: "attached", timeout: 60_000 });
    await page.locator("#engine").selectOption("wasm");
    await page.locator("#training-status", { hasText: "Cancelled." }).waitFor();
    await page.locator("#epochs").fill("1");
    expect(await trainToEnd(page)).toMatch(/^Done: 1 epoch/);
    expect(await page.locator("#device").textContent()).toBe("WebAssembly on this computer's processor");
    await page.context().close();
  });

  it("does not train from weights that are missing, cut off or other than those it was built with", async () => {
    const whole = await readFile(await shippedWeights());
    const other = Buffer.from(whole);
    other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
    const { page } = await visit(launched.browser, site);
    await fillClasses(page, 3);
    for (const [answer, said] of [
      [{ status: 404 }, "the server answered 404"],
      [{ body: whole.subarray(0, 1000) }, `1000 of ${whole.length} bytes came`],
      [{ body: other }, "it is not the file that the page was built with"],
    ] as const) {
      await page.route("**/weights/*", (route) => route.fulfill(answer));
      await page.getByRole("button", { name: "Train", exact: true }).click();
      expect(await failure(page)).toContain(said);
      await page.unroute("**/weights/*");
    }
    await page.context().close();
  });

  it("takes the visitor's weights by their shapes, a head left out, and refuses another file", async () => {
    const { page } = await visit(launched.browser, site);
    const wrong = join(folder, "wrong.safetensors");
    await writeFile(wrong, "these are no tensors");
    await page.locator("#own-weights").setInputFiles(wrong);
    expect(await failure(page)).toContain("Code: safetensors-invalid");

    const tensors = new Map(parseSafetensors(await readFile(await shippedWeights()), "shipped"));
    tensors.set("head/bias", { dtype: "float32", shape: [3], data: new Float32Array(3) });
    const mine = join(folder, "mine.safetensors");
    await writeFile(mine, writeSafetensors(tensors));
    await page.locator("#own-weights").setInputFiles(mine);
    await page
      .locator("#weights option", { hasText: "MobileNetV2 0.35, mine.safetensors" })
      .waitFor({ state: "attached" });
    await fillClasses(page, 2);
    await page.locator("#epochs").fill("1");
    expect(await trainToEnd(page)).toMatch(/^Done: 1 epoch/);
    await page.context().close();
  });
});
