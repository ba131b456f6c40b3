import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { DataCheckReport } from "../src/data-check/data-check-report.ts";
import { thaw } from "./command-line.ts";
import { photoFolder, SHOES, shoeFiles, shoes } from "./photo-folder.ts";

const PNG_SIGNATURE = "89504e470d0a1a0a";

describe("thaw data check", () => {
  it("says what is wrong with a folder that is none, with exit code 2", async () => {
    const { code, stderr } = await thaw(["data", "check", "/nonexistent/\u001b[31mphotos"]);
    expect(code).toBe(2);
    expect(stderr).toContain('The data folder "/nonexistent/\\u001b[31mphotos" does not exist');
    const stray = await thaw(["data", "check", photoFolder({ "a.jpg": "x", "boots/1.jpg": "x" })]);
    expect([stray.code, stray.stderr]).toEqual([2, expect.stringContaining("images outside its class folders: a.jpg")]);
  });

  it("refuses options that make no sense", async () => {
    const folder = photoFolder({ "boots/1.jpg": "x" });
    for (const options of [
      ["--near", "many"],
      ["--image-size", "9"],
    ]) {
      const { code, stderr } = await thaw(["data", "check", folder, ...options]);
      expect([code, stderr]).toEqual([2, expect.stringContaining(`error (option-invalid): ${options[0]}`)]);
    }
  });

  it("gives exit code 2 where nothing can be read, and says why of each file", async () => {
    const folder = photoFolder({ "boots/1.jpg": "no photo", "sandals/2.jpg": "" });
    const { code, stdout } = await thaw(["data", "check", folder]);
    expect(code).toBe(2);
    expect(stdout).toContain("✗ error (no-images)");
    expect(stdout).toContain("boots/1.jpg (no JPEG, PNG or WebP image)");
    expect(stdout).toContain("sandals/2.jpg (the file is empty)");
    expect(stdout).toContain("This cannot be trained on");
  });
});

describe.skipIf(SHOES === undefined)("thaw data check on real photos (needs THAW_ASSETS)", () => {
  it("finds nothing wrong, says so in JSON, and leaves a report and a sheet, once", async () => {
    const folder = photoFolder(shoeFiles({ boots: 20, sneakers: 20 }));
    const out = join(dirname(folder), "out");
    const { code, stdout, stderr } = await thaw(["data", "check", folder, "--json", "--out", out, "--strict"]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("40 of 40 read")]);
    const report = JSON.parse(stdout) as DataCheckReport;
    expect(report).toMatchObject({ version: 1, folder, trainable: true, imageSize: 160, nearBits: 6 });
    expect(report.findings.filter(({ severity }) => severity !== "note")).toEqual([]);
    expect(JSON.parse(readFileSync(join(out, "data-check.json"), "utf8"))).toEqual(report);
    const png = readFileSync(join(out, "contact-sheet.png"));
    expect(png.subarray(0, 8).toString("hex")).toBe(PNG_SIGNATURE);
    const again = await thaw(["data", "check", folder, "--out", out]);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("data-check.json exists")]);
    expect(readFileSync(join(out, "contact-sheet.png")).equals(png)).toBe(true);
  });

  it("passes with warnings, and fails with them under --strict", async () => {
    const [photo = Buffer.of()] = shoes("boots", 1);
    const files = { ...shoeFiles({ boots: 20, sneakers: 20 }), "sneakers/copy.jpg": photo };
    const folder = photoFolder(files);
    const sheet = join(dirname(folder), "sheet.png");
    const { code, stdout } = await thaw(["data", "check", folder, "--contact-sheet", sheet]);
    expect([code, existsSync(sheet)]).toEqual([0, true]);
    expect(stdout).toMatch(/! warning \(labels-conflict\).*\n {2}do: .*\n {4}boots\/1\.jpg = sneakers\/copy\.jpg\n/);
    expect((await thaw(["data", "check", folder, "--strict"])).code).toBe(1);
  });
});
