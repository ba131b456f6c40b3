import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ThawError } from "../src/error.ts";
import { parseSpec, parseSweep, type SpecIssue, specJsonSchema, sweepJsonSchema } from "../src/spec/parse.ts";
import { SHORTEST } from "./spec-example.ts";

function failure(action: () => unknown): { message: string; issues: readonly SpecIssue[] } {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ThawError)) throw error;
    expect(error.code).toBe("spec-invalid");
    expect(error.hint).toMatch(/Correct/);
    return { message: error.message, issues: error.details?.issues as readonly SpecIssue[] };
  }
  throw new Error("The document was accepted.");
}

/** Problems of a spec, one string each: `path: message`. */
function problems(fields: object): readonly string[] {
  return failure(() => parseSpec({ ...SHORTEST, ...fields })).issues.map(
    ({ path, message }) => `${path.join(".")}: ${message}`,
  );
}

const ADAM = { name: "adam" } as const;
const PIECEWISE = { schedule: "piecewise", boundaries: [3, 2], values: [1, 2] } as const;

/** Fields that replace those of the shortest spec, and the start of every message that they get. */
const BAD: readonly [fields: object, ...expected: string[]][] = [
  // Names
  [{ epoch: 3 }, ': unknown key "epoch"; did you mean "epochs"? Known keys: $schema, version'],
  [{ earlystop: {} }, ': unknown key "earlystop"; did you mean "earlyStopping"?'],
  [{ zzz: 1 }, ': unknown key "zzz". Known keys: $schema'],
  [{ model: { imagesize: 96 } }, 'model: unknown key "imagesize"; did you mean "imageSize"? Known keys: architecture'],
  [{ name: "a b" }, "name: letters, digits, '.', '_' and '-', at most 80 of them; found \"a b\""],
  // Types and ranges
  [{ version: 0 }, "version: expected 1; found 0"],
  [{ version: undefined }, "version: is missing; expected 1"],
  [{ seed: "1" }, 'seed: expected integer (Decides split, fresh weights, order, dropout and augmentation); found "1"'],
  [{ seed: -1 }, "seed: Too small: expected number to be >=0; found -1"],
  [{ epochs: 1.5 }, "epochs: expected integer (Passes over the training images; with phases, they say it); found 1.5"],
  [{ epochs: Number.NaN }, "epochs: expected integer"],
  [{ batchSize: 0 }, "batchSize: Too small"],
  [{ shuffle: "no" }, 'shuffle: expected boolean (A new order of the training images in each epoch); found "no"'],
  [{ split: null }, "split: expected object (What is held out); found null"],
  [{ split: { validation: 1 } }, "split.validation: Too big: expected number to be <1; found 1"],
  [{ split: { by: "groups" } }, 'split.by: expected "last", "stratified", "group"'],
  [
    { model: { alpha: 0.4 } },
    "model.alpha: expected 0.25, 0.35, 0.5, 0.75, 1, 1.3, 1.4 (Width multiplier of the MobileNets, 1 without); found 0.4",
  ],
  [{ model: { imageSize: 16 } }, "model.imageSize: Too small: expected number to be >=32; found 16"],
  [{ record: "all" }, 'record: expected "epochs", "steps"'],
  [
    { augmentation: { maxShift: 1000, flip: true } },
    "augmentation.maxShift: Too big",
    'augmentation: unknown key "flip". Known keys: horizontalFlip, maxShift',
  ],
  // Discriminated unions: only the branch that the document means is spoken of
  [{ data: { kind: "folders", path: "x" } }, 'data.kind: expected "tensors", "folder", "builtin"; found "folders"'],
  [{ data: {} }, 'data.kind: is missing; expected "tensors", "folder", "builtin"'],
  [{ data: "photos" }, 'data: expected object (The labelled images); found "photos"'],
  [{ data: { kind: "folder" } }, "data.path: is missing; expected string (A folder with one folder of images a class)"],
  [
    { data: { kind: "folder", path: "x", classes: ["a"] } },
    'data: unknown key "classes". Known keys: kind, path, resize, skipUnreadable, limit',
  ],
  [{ optimizer: { name: "adamw" } }, 'optimizer.name: expected "adam", "sgd", "rmsprop"; found "adamw"'],
  [
    { optimizer: { name: "sgd", beta1: 0.9 } },
    'optimizer: unknown key "beta1". Known keys: name, learningRate, momentum, nesterov',
  ],
  // Unions
  [{ freeze: true }, "freeze: expected integer, string, array (Frozen layers from the input"],
  [{ freeze: -1 }, "freeze: Too small"],
  [{ freeze: [{ layers: "x" }] }, "freeze.0.train: is missing; expected boolean"],
  [{ freeze: [{ layers: 3, train: true }] }, "freeze.0.layers: expected string (Regular expression"],
  [
    { freeze: [{ layers: "x", train: true, lrMultiplier: 2 }] },
    'freeze.0: key "lrMultiplier" does not go with the other keys here. Known keys: layers, train',
  ],
  [{ model: { weights: 3 } }, "model.weights: expected string, object (imagenet, dogs-160, random"],
  [{ model: { weights: { file: 3 } } }, "model.weights.file: expected string (safetensors, Keras"],
  [
    { optimizer: { ...ADAM, learningRate: "fast" } },
    'optimizer.learningRate: expected number, object (A rate, or a schedule over the steps of the phase); found "fast"',
  ],
  [{ optimizer: { ...ADAM, learningRate: -1 } }, "optimizer.learningRate: Too small: expected number to be >0"],
  [
    { optimizer: { ...ADAM, learningRate: { schedule: "cosin", initial: 1, decaySteps: 2 } } },
    'optimizer.learningRate.schedule: expected "cosine", "exponential", "piecewise"; found "cosin"',
  ],
  [
    { optimizer: { ...ADAM, learningRate: { schedule: "exponential", initial: 1, decaySteps: "x", decayRate: 0.9 } } },
    'optimizer.learningRate.decaySteps: expected integer (Steps over which the rate decays); found "x"',
  ],
  // Rules between fields
  [
    { optimizer: { ...ADAM, learningRate: PIECEWISE } },
    "optimizer.learningRate.values: has 2 values for 2 boundaries; expected one more",
    "optimizer.learningRate.boundaries: must increase",
  ],
  [
    {
      phases: [{ epochs: 1 }, { epochs: 1, optimizer: { ...ADAM, learningRate: { ...PIECEWISE, values: [3, 2, 1] } } }],
    },
    "phases.1.optimizer.learningRate.boundaries: must increase",
  ],
  [{ epochs: 3, phases: [{ epochs: 2 }] }, "epochs: stands beside phases"],
  [{ split: { by: "group" } }, 'split.by: is "group" but data of kind "tensors" knows no groups'],
  [
    { split: { validation: 0 }, earlyStopping: {} },
    'earlyStopping.monitor: is "validationLoss" but split.validation is 0; monitor "loss" or hold images out',
  ],
  [{ data: { kind: "tensors", file: "x", classes: ["a", "a"] } }, "data.classes: names a class twice"],
];

describe("parseSpec", () => {
  it.each(BAD.map(([fields, ...expected]) => ({ fields, expected })))("refuses $fields", ({ fields, expected }) => {
    const found = problems(fields);
    expect(found).toHaveLength(expected.length);
    for (const [index, start] of expected.entries()) expect(found[index]?.slice(0, start.length)).toBe(start);
  });

  it.each([[null], [3], [[]], ["x"]])("refuses %j as a whole", (document) => {
    const { message } = failure(() => parseSpec(document));
    expect(message).toBe(`spec: (whole document): expected object; found ${JSON.stringify(document)}`);
  });

  it.each([
    ['"__proto__": { "epochs": 3 }', '(whole document): unknown key "__proto__".'],
    ['"constructor": 3', '(whole document): unknown key "constructor".'],
    ['"model": { "__proto__": { "alpha": 0.5 } }', 'model: unknown key "__proto__".'],
    ['"model": { "alpha": { "__proto__": null } }', "model.alpha: expected 0.25"],
    ['"freeze": [{ "layers": "x", "train": true, "__proto__": {} }]', 'freeze.0: unknown key "__proto__".'],
  ])("refuses %s and pollutes nothing", (field, expected) => {
    const text = JSON.stringify(SHORTEST).replace(/}$/, `, ${field}}`);
    expect(failure(() => parseSpec(JSON.parse(text))).message).toContain(expected);
    expect(Object.hasOwn(Object.prototype, "epochs") || Object.hasOwn(Object.prototype, "alpha")).toBe(false);
  });

  it("names the file and the line where it can tell", () => {
    const origin = { where: "my.json", lineOf: (path: readonly unknown[]) => (path.at(-1) === "seed" ? 7 : undefined) };
    const document = { ...SHORTEST, seed: -1, epochs: 0 };
    const { message, issues } = failure(() => parseSpec(document, origin));
    expect(message.split("\n").map((line) => line.slice(0, 16))).toEqual(["my.json: epochs:", "my.json:7: seed:"]);
    expect(issues.map((issue) => issue.line)).toEqual([undefined, 7]);
  });

  it("names the line of a rule between fields", () => {
    const origin = { where: "my.json", lineOf: (path: readonly unknown[]) => path.length };
    const document = { ...SHORTEST, optimizer: { ...ADAM, learningRate: { ...PIECEWISE, boundaries: [1, 2] } } };
    expect(failure(() => parseSpec(document, origin)).message).toMatch(/^my.json:3: optimizer.learningRate.values: /);
  });

  it("fills in Keras's defaults", () => {
    const spec = parseSpec(SHORTEST);
    expect(spec.optimizer).toEqual({ name: "adam", learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 });
    expect(spec.model.head).toEqual({ name: "head", dropout: 0 });
    expect([spec.freeze, spec.frozenBatchNorm, spec.batchNorm]).toEqual([0, "inference", "keras"]);
    expect([spec.batchSize, spec.epochs, spec.shuffle, spec.seed]).toEqual([32, 1, true, 0]);
    expect(parseSpec({ ...SHORTEST, optimizer: { name: "rmsprop" } }).optimizer).toEqual({
      ...{ name: "rmsprop", learningRate: 1e-3, rho: 0.9, momentum: 0, epsilon: 1e-7, centered: false },
    });
    expect(parseSpec({ ...SHORTEST, optimizer: { name: "sgd" } }).optimizer).toMatchObject({ learningRate: 0.01 });
  });

  it("leaves its own output as it is", () => {
    const spec = parseSpec({ ...SHORTEST, phases: [{ epochs: 2 }], earlyStopping: {}, freeze: "block_1_expand" });
    expect(parseSpec(spec)).toEqual(spec);
  });
});

describe("parseSweep", () => {
  const sweep = { version: 1, name: "s", experiment: SHORTEST, groups: [{ name: "a" }] };

  it.each([
    [{ groups: [] }, "groups: Too small"],
    [{ groups: [{ name: "a", vary: { lr: [1] } }] }, 'groups.0.vary: unknown key "lr"'],
    [{ groups: [{ name: "a", cells: [{ freeze: 1.5 }] }] }, "groups.0.cells.0.freeze: expected integer, string, array"],
    [{ experiment: { ...SHORTEST, epochz: 1 } }, 'experiment: unknown key "epochz"; did you mean "epochs"?'],
    [{ experiment: { ...SHORTEST, split: { by: "group" } } }, 'experiment.split.by: is "group"'],
  ])("refuses %j", (fields, expected) => {
    expect(failure(() => parseSweep({ ...sweep, ...fields })).message).toContain(`sweep: ${expected}`);
  });
});

describe("the JSON Schema", () => {
  const schema = z.fromJSONSchema(specJsonSchema());

  it("is draft 2020-12 and describes its fields", () => {
    const text = JSON.stringify(specJsonSchema());
    expect(specJsonSchema().$schema).toBe("https://json-schema.org/draft/2020-12/schema");
    expect(text).toContain("Width multiplier");
    expect(JSON.parse(text)).toEqual(specJsonSchema());
  });

  it("accepts what the parser accepts, with and without defaults", () => {
    const rules = [{ layers: ".*", lrMultiplier: 0.1 }];
    for (const fields of [{}, { freeze: 100 }, { freeze: "x" }, { freeze: rules }, { phases: [{ epochs: 2 }] }]) {
      expect(schema.safeParse({ ...SHORTEST, ...fields }).error).toBeUndefined();
      expect(schema.safeParse(parseSpec({ ...SHORTEST, ...fields })).error).toBeUndefined();
    }
    const sweep = { version: 1, name: "s", experiment: SHORTEST, groups: [{ name: "a", vary: { freeze: [0, 50] } }] };
    const sweepSchema = z.fromJSONSchema(sweepJsonSchema());
    expect(sweepSchema.safeParse(sweep).error).toBeUndefined();
    expect(sweepSchema.safeParse(parseSweep(sweep)).error).toBeUndefined();
    expect(sweepSchema.safeParse({ ...sweep, groups: [] }).success).toBe(false);
  });

  it("refuses what the parser refuses, rules between fields apart", () => {
    const between =
      /stands beside|has 2 values|must increase|knows no groups|split.validation is 0|names a class twice/;
    const single = BAD.filter(([, ...messages]) => !messages.some((message) => between.test(message)));
    expect(single.length).toBeGreaterThan(30);
    for (const [fields] of single)
      expect(schema.safeParse({ ...SHORTEST, ...fields }).success, JSON.stringify(fields)).toBe(false);
  });
});
