import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { preparePlan } from "@thaw/assets";
import { serializeError } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { exitCodeOf } from "../src/exit-code.ts";
import { findRunner } from "../src/registry.ts";
import { readResult } from "../src/result-file.ts";
import { parseNumbers, parseSettings } from "../src/settings.ts";
import { readSpecFile } from "../src/spec-file.ts";
import { SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";

type Change = Readonly<Record<string, unknown>>;

/** Reads and plans a spec as `thaw run` does, and gives the error. */
async function failure(document: unknown): Promise<{ code: string; message: string; hint?: string }> {
  try {
    const file = await readSpecFile(specFile(document));
    if (file.kind === "spec") {
      await preparePlan(file.spec, { baseDir: file.baseDir, env: { ...process.env, THAW_OFFLINE: "1" } });
    }
  } catch (error) {
    return serializeError(error);
  }
  throw new Error("The spec was accepted.");
}

const small = (change: Change): Change => ({ ...SMALL_SPEC, ...change });
const tensors = { kind: "tensors", file: "nowhere.safetensors", classes: ["a", "b"] };

const CASES: readonly [name: string, document: unknown, code: string, message: RegExp][] = [
  ["an empty file", "", "spec-invalid", /spec\.json:1: /],
  ["no JSON", "{ name: 1 }", "spec-invalid", /spec\.json:1: no valid JSON/],
  ["a comma too many", '{\n  "version": 1,\n}', "spec-invalid", /spec\.json:3: no valid JSON/],
  ["a comment", '{\n  // hello\n  "version": 1\n}', "spec-invalid", /spec\.json:2: no valid JSON/],
  ["a list", "[]", "spec-invalid", /expected/],
  ["lists without end", "[".repeat(200_000), "spec-invalid", /no valid JSON \(it nests 200000 levels deep/],
  ["lists behind a comment", `/*"*/${"[".repeat(200_000)}`, "spec-invalid", /no valid JSON/],
  ["a list in a name", `{"name":${"[".repeat(500)}${"]".repeat(500)}}`, "spec-invalid", /it nests 501 levels deep/],
  ["a prototype", '{"version":1,"__proto__":{"name":"x"}}', "spec-invalid", /a key "__proto__"/],
  ["a file of 17 MB", " ".repeat(17 * 2 ** 20), "spec-unreadable", /at most 16777216 are read/],
  ["an unknown key, with its line", small({ lerningRate: 1 }), "spec-invalid", /spec\.json:\d+: .*lerningRate/],
  ["a misspelt key, with the right one", small({ batchSise: 8 }), "spec-invalid", /did you mean "batchSize"/],
  ["a key in the wrong place", small({ learningRate: 1e-3 }), "spec-invalid", /unknown key "learningRate"/],
  ["another version", small({ version: 0 }), "spec-invalid", /version: expected 1/],
  ["a later version", small({ version: 2 }), "version-newer", /spec\.json is a spec of version 2, written by a later/],
  ["no name", small({ name: undefined }), "spec-invalid", /name: is missing/],
  ["a name with a slash", small({ name: "a/b" }), "spec-invalid", /name: letters, digits/],
  ["a batch of nothing", small({ batchSize: 0 }), "spec-invalid", /batchSize/],
  ["half an epoch", small({ epochs: 1.5 }), "spec-invalid", /epochs/],
  ["an alpha that nobody trained", small({ model: { alpha: 0.4 } }), "spec-invalid", /model\.alpha: expected 0\.25/],
  ["images of 16 pixels", small({ model: { imageSize: 16 } }), "spec-invalid", /model\.imageSize/],
  ["an optimizer that is not there", small({ optimizer: { name: "lion" } }), "spec-invalid", /optimizer\.name/],
  ["a rate of zero", small({ optimizer: { name: "adam", learningRate: 0 } }), "spec-invalid", /learningRate/],
  ["a setting of another optimizer", small({ optimizer: { name: "sgd", beta1: 0.9 } }), "spec-invalid", /beta1/],
  ["all images held out", small({ split: { validation: 1 } }), "spec-invalid", /split\.validation/],
  ["phases beside epochs", small({ phases: [{ epochs: 1 }] }), "spec-invalid", /phases/],
  ["groups of a set without groups", small({ split: { by: "group" } }), "split-invalid", /names no groups/],
  ["more frozen layers than there are", small({ freeze: 200 }), "freeze-invalid", /200 layers cannot be frozen.*155/],
  ["a layer that is not there", small({ freeze: "block_13_expnd" }), "freeze-invalid", /block_13_expand/],
  [
    "a rule that matches nothing",
    small({
      freeze: [
        { layers: "blok_1.*", train: true },
        { layers: ".*", train: false },
      ],
    }),
    "freeze-invalid",
    /matches no layer/,
  ],
  [
    "rules that leave a layer out",
    small({ freeze: [{ layers: "block_1_.*", train: true }] }),
    "freeze-invalid",
    /no rule covers/,
  ],
  [
    "everything frozen",
    small({ freeze: [{ layers: ".*", train: false }] }),
    "freeze-invalid",
    /nothing is left to train/,
  ],
  [
    "a broken regular expression",
    small({ freeze: [{ layers: "(", train: true }] }),
    "freeze-invalid",
    /no regular expression/,
  ],
  ["a data file that is not there", small({ data: tensors }), "asset-missing", /nowhere\.safetensors/],
  ["a folder that is not there", small({ data: { kind: "folder", path: "nowhere" } }), "data-not-found", /nowhere/],
  [
    "weights that are not there",
    small({ model: { ...SMALL_SPEC.model, weights: "none.h5" } }),
    "asset-missing",
    /none\.h5/,
  ],
  [
    "weights of another alpha",
    small({ model: { ...SMALL_SPEC.model, weights: "dogs-160" } }),
    "weights-unavailable",
    /alpha 1 only/,
  ],
  ["one class", small({ data: { ...tensors, classes: ["a"] } }), "spec-invalid", /data\.classes/],
];

describe("bad input", () => {
  it.each(CASES)("%s", async (_name, document, code, message) => {
    const found = await failure(document);
    expect(found.code).toBe(code);
    expect(found.message).toMatch(message);
    expect(found.hint ?? "").not.toBe("");
    expect(exitCodeOf(found)).toBe(2);
  });

  it("a spec that is not there", async () => {
    await expect(readSpecFile("/nowhere/spec.json")).rejects.toThrow("/nowhere/spec.json: there is no such file");
  });

  it("a sweep whose bestOf names no group", async () => {
    const groups = [{ name: "B", bestOf: "A", cells: [{ learningRate: 1e-4 }] }];
    const document = { version: 1, name: "s", experiment: SMALL_SPEC, groups };
    await expect(readSpecFile(specFile(document))).rejects.toThrow('bestOf names no earlier group "A"');
  });

  it("a runner that is not there, with the nearest name", async () => {
    const error = await findRunner("nod").catch(serializeError);
    expect(error).toMatchObject({ code: "runner-unknown", hint: 'Did you mean "node"?' });
    expect(exitCodeOf({ code: "runner-unknown", message: "" })).toBe(3);
  });

  it("a runner module without createRunner", async () => {
    const file = join(temporaryFolder(), "empty.mjs");
    writeFileSync(file, "export const nothing = 1;");
    await expect(findRunner(file)).rejects.toThrow("exports no function createRunner");
  });

  it("settings and lists that cannot be read", () => {
    expect(() => parseSettings(["threads"], ["node"])).toThrow("expected key=value");
    expect(() => parseSettings(["wasm.threads=2"], ["node", "webgpu"])).toThrow('runner "wasm" is not among those');
    expect(() => parseNumbers("--lr", "1e-3,fast")).toThrow('"fast" is no number');
  });

  it.each([
    ["an unknown option", ["run", "x.json", "--runer", "node"], 2, /unknown option '--runer'/],
    ["an unknown command", ["runn"], 2, /unknown command 'runn'/],
    [
      "a sweep given to run",
      ["run", specFile({ version: 1, name: "s", experiment: SMALL_SPEC, groups: [{ name: "A" }] })],
      2,
      /use: thaw sweep/i,
    ],
    ["nothing to vary", ["sweep", specFile(SMALL_SPEC)], 2, /nothing to vary/],
    ["an unknown setting", ["run", specFile(SMALL_SPEC), "--set", "thread=2"], 2, /Did you mean "threads"/],
    [
      "a thread count of zero",
      ["run", specFile(SMALL_SPEC), "--set", "threads=0"],
      2,
      /expected an integer from 1 to 256/,
    ],
    ["a missing runner", ["run", specFile(SMALL_SPEC), "--runner", "webgpuu"], 3, /There is no runner "webgpuu"/],
  ] as const)("on the command line: %s", async (_name, args, code, message) => {
    const run = await thaw(args);
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(code);
    expect(run.stdout).toBe("");
  });

  it("an output folder that is a file", async () => {
    const file = join(temporaryFolder(), "out");
    writeFileSync(file, "");
    const run = await thaw(["run", specFile({ ...SMALL_SPEC, epochs: 1 }), "--out", file]);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain("result-unreadable");
  });

  it("a result file that is something else", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "cell.json"), "{}");
    await expect(readResult(folder, "cell")).rejects.toThrow("is no result of this cell");
    expect(await readResult(folder, "other")).toBeNull();
  });
});
