import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { findRunner } from "../src/registry.ts";
import { type CommandRun, ROOT, SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";
import { HOSTILE } from "./hostile-runner.ts";

/** What log-update moves the cursor by. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OURS = /\u001b\[(\?(25|2026)[hl]|\d*[ABGK])/g;
const RUNNER = new URL("./hostile-runner.ts", import.meta.url).pathname;
/** What a folder may be called: all of it but slashes and NUL. */
const NAMES = [HOSTILE.replaceAll("/", ""), "=1+1", "@SUM(1)"];

/** A folder of pictures whose classes and files have hostile names. */
async function hostilePhotos(): Promise<string> {
  const folder = join(temporaryFolder(), "photos");
  for (const [label, name] of NAMES.entries()) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let image = 0; image < 8; image += 1) {
      const background = { r: label * 100, g: image * 30, b: 200 - label * 90 };
      const picture = sharp({ create: { width: 32, height: 32, channels: 3, background } });
      writeFileSync(join(folder, name, `${image}${HOSTILE.slice(0, 40)}.png`), await picture.png().toBuffer());
    }
  }
  return folder;
}

/** Looks for what is obeyed in what a command printed. */
function expectInert({ stdout, stderr }: CommandRun): void {
  for (const text of [stdout, stderr]) {
    expect(text).not.toMatch(/(?!\n)\p{Cc}|\p{Cs}|\u2028|\u2029|(?![\u200c\u200d])\p{Cf}/u);
    expect(text).not.toMatch(/^\s*::/m);
    expect(text).not.toContain("##[");
  }
}

let data: string;
let spec: string;
beforeAll(async () => {
  data = await hostilePhotos();
  spec = specFile({ ...SMALL_SPEC, data: { kind: "folder", path: data }, epochs: 1 });
});

describe("hostile names and messages", { timeout: 180_000 }, () => {
  it("are inert in what a run prints, whole in its result, and plain text in the table of epochs", async () => {
    const out = temporaryFolder();
    const csv = join(out, "epochs.csv");
    const run = await thaw([
      "run",
      spec,
      "--runner",
      RUNNER,
      "--out",
      out,
      "--csv",
      csv,
      "--tensorboard",
      join(out, "tb"),
    ]);
    expect([run.code, run.stderr]).toEqual([0, expect.stringContaining("\\u001b[31mred")]);
    expectInert(run);
    const [name = ""] = readdirSync(out).filter((file) => file.startsWith("small-hostile-") && !/events/.test(file));
    const result = JSON.parse(readFileSync(join(out, name), "utf8"));
    expect(result.environment.device.name).toBe(`=cmd|${HOSTILE}`);
    const rows = parse(readFileSync(csv), { columns: true, bom: true }) as Record<string, string>[];
    expect(rows).toHaveLength(1);
    for (const cell of Object.values(rows[0] ?? {})) expect(cell).not.toMatch(/^[=+\-@\t\r]/);

    const page = join(out, "report.html");
    const report = await thaw(["report", out, "--out", page, "--markdown", join(out, "report.md")]);
    expect(report.code).toBe(0);
    expectInert(report);
    for (const text of [readFileSync(page, "utf8"), readFileSync(join(out, "report.md"), "utf8")]) {
      expect(text).not.toMatch(/(?![\n\t])\p{Cc}|\p{Cs}|\u202e|<b>\|/u);
    }
  });

  it("are inert where the run fails, and where the program's last output is told", async () => {
    const failing = specFile({ ...SMALL_SPEC, name: "failing", epochs: 2 });
    const run = await thaw(["run", failing, "--runner", RUNNER, "--out", temporaryFolder()]);
    expect(run.code).not.toBe(0);
    expect(run.stderr).toContain("its last output:\n\\u001b]0;title\\u0007");
    expectInert(run);
  });

  it.each([
    ["data check", () => ["data", "check", data]],
    ["data check --json", () => ["data", "check", data, "--json"]],
    ["init", () => ["init", data, "--out", join(temporaryFolder(), "spec")]],
    ["a file that is not there", () => ["run", `/nowhere/${HOSTILE}`]],
    ["a command that is not there", () => [HOSTILE]],
    ["an option that is not there", () => ["doctor", `--${HOSTILE}`]],
    ["a runner that is not there", () => ["run", spec, "--runner", HOSTILE]],
    ["a setting that is not there", () => ["run", spec, "--set", `${HOSTILE}=1`, "--out", temporaryFolder()]],
    ["a report of nothing", () => ["report", `/nowhere/${HOSTILE}`]],
  ])("are inert in what %s prints", async (_what, args) => {
    expectInert(await thaw(args()));
  });

  it.skipIf(process.platform === "win32")(
    "are inert on a terminal, where lines change in place (no pty on Windows)",
    () => {
      const script = new URL("./in-terminal.py", import.meta.url).pathname;
      const main = new URL("../src/main.ts", import.meta.url).pathname;
      const command = [process.execPath, "--import", "tsx", "--conditions=source", main];
      const failing = specFile({ ...SMALL_SPEC, name: "failing", epochs: 2 });
      const options = ["run", failing, "--runner", RUNNER, "--out", temporaryFolder()];
      const env = { ...process.env, TERM: "xterm" };
      const { stdout } = spawnSync("python3", [script, ...command, ...options], { cwd: ROOT, env, encoding: "utf8" });
      expect(stdout).toContain("failing on hostile: epoch 1/2, step 1/");
      const [moved, ...rest] = [stdout.split(OURS).length, stdout.replaceAll(OURS, "").replaceAll("\r", "")];
      expect(moved).toBeGreaterThan(4);
      expect(stdout).not.toMatch(/\\u001b\[(\?|\d*[ABGK])/); // what is ours is no escape
      for (const text of rest) expectInert({ code: 0, stdout: text, stderr: "" });
    },
  );

  it("are no name of a runner, of which names of files are made", async () => {
    for (const name of ["../../x", "a/b", "a\\b", "", ".hidden", "a\n", "a\0b", "x".repeat(81), "\u202ea"]) {
      const module = join(temporaryFolder(), "runner.mjs");
      writeFileSync(module, `export const createRunner = () => ({ name: ${JSON.stringify(name)} });`);
      await expect(findRunner(module)).rejects.toMatchObject({ code: "runner-invalid" });
    }
  });

  it("keep every letter in JSON", async () => {
    const { stdout } = await thaw(["data", "check", data, "--json"]);
    const names = JSON.parse(stdout).figures.classes.map(({ name }: { name: string }) => name);
    expect(names.sort()).toEqual([...NAMES].sort());
  });
});
