import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { readSpecFile } from "@thaw/cli/internals";
import {
  buildNetwork,
  expandGroup,
  type FreezePolicy,
  parseSpec,
  parseSweep,
  resolveFreeze,
  type Spec,
  type SpecInput,
} from "@thaw/core";
import fc from "fast-check";
import { byteEdits, damagedBytes } from "../input/byte-edits.ts";
import { repositoryDocuments } from "../input/corpus.ts";
import { damagedDocument, documentEdits } from "../input/document-edits.ts";
import { workFolder } from "../input/work-folder.ts";
import { expectSame, MEGABYTE, oneFile, type Target, target } from "../target.ts";

interface Input {
  readonly text: Uint8Array;
  /** What a good file says. */
  readonly whole: Spec | null;
}

const rate = fc.double({ min: 1e-6, max: 1, noNaN: true });
const optimizer = fc.oneof(
  fc.record(
    { name: fc.constant("adam" as const), learningRate: rate, beta1: fc.constant(0.9) },
    { requiredKeys: ["name"] },
  ),
  fc.record(
    {
      name: fc.constant("sgd" as const),
      learningRate: fc.record({
        schedule: fc.constant("cosine" as const),
        initial: rate,
        decaySteps: fc.integer({ min: 1, max: 999 }),
      }),
      nesterov: fc.boolean(),
    },
    { requiredKeys: ["name"] },
  ),
);
const freeze = fc.oneof(
  fc.nat(154),
  fc.constantFrom("block_13_expand", "Conv1"),
  fc.array(
    fc.record({
      layers: fc.constantFrom(".*", "block_1_.*", "(a+)+", "(\\w+)+!", "(.*)*x", "(?=x)y|(x|x)*z"),
      train: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
);
const specInput: fc.Arbitrary<SpecInput> = fc.record(
  {
    version: fc.constant(1 as const),
    name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/),
    model: fc.constantFrom(
      {},
      { alpha: 0.35 as const, imageSize: 96, weights: "random" },
      { architecture: "ResNet50" as const },
    ),
    data: fc.constantFrom(
      { kind: "builtin" as const, name: "shoes" as const },
      { kind: "tensors" as const, file: "x.safetensors", classes: ["a", "__proto__", "constructor"] },
      { kind: "folder" as const, path: "photos", resize: "pad" as const, limit: 30 },
    ),
    freeze,
    optimizer,
    batchSize: fc.integer({ min: 1, max: 4096 }),
    epochs: fc.integer({ min: 1, max: 1000 }),
    seed: fc.nat(0x7fff_ffff),
    shuffle: fc.boolean(),
  },
  { requiredKeys: ["version", "name", "data"] },
);

/** A sweep whose lists multiply. */
const wideSweep = fc
  .record({ keys: fc.integer({ min: 1, max: 6 }), values: fc.integer({ min: 1, max: 60 }) })
  .map(({ keys, values }) => {
    const numbers = Array.from({ length: values }, (_, index) => index + 1);
    const lists = {
      epochs: numbers,
      batchSize: numbers,
      seed: numbers,
      freeze: numbers,
      learningRate: numbers,
      dropout: numbers.map((n) => n / 100),
    };
    return {
      version: 1,
      name: "wide",
      experiment: { version: 1, name: "wide", data: { kind: "builtin", name: "shoes" } },
      groups: [{ name: "g", vary: Object.fromEntries(Object.entries(lists).slice(0, keys)) }],
    };
  });

const LAYERS = new Map<string, ReturnType<typeof buildNetwork>>();

function networkOf(model: Spec["model"]): ReturnType<typeof buildNetwork> {
  const key = `${model.architecture} ${model.alpha} ${model.head.dropout > 0}`;
  const known = LAYERS.get(key) ?? buildNetwork({ ...model, imageSize: 96 }, 3);
  LAYERS.set(key, known);
  return known;
}

/** Every field of the file stands in the spec as it stands in the file. */
function checkFields(written: unknown, read: unknown, path: string): void {
  if (typeof written !== "object" || written === null) {
    expectSame(path, read, written, Object.is(written, read) || written === read);
    return;
  }
  expectSame(path, typeof read, "an object", typeof read === "object" && read !== null);
  for (const [key, value] of Object.entries(written)) {
    checkFields(value, Object.getOwnPropertyDescriptor(read, key)?.value, `${path}.${key}`);
  }
}

function checkFreeze(spec: Spec): void {
  if (spec.model.architecture === "keras") return;
  const { base, head } = networkOf(spec.model);
  const ofPhases = (spec.phases ?? []).map(({ freeze: own }) => own ?? spec.freeze);
  const policies: readonly FreezePolicy[] = [spec.freeze, ...ofPhases];
  for (const policy of policies) resolveFreeze(policy, base.layers, head, spec);
}

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Specs and sweeps as files; freeze policies are resolved, and every cell of a sweep is made. */
export function specTarget(): Target {
  const documents = repositoryDocuments("benchmarks/specs").map(({ document }) => document);
  const folder = workFolder();
  const damaged = fc.tuple(fc.constantFrom(...documents), documentEdits);
  const cut = fc.tuple(fc.constantFrom(...documents), byteEdits);
  return target<Input>({
    name: "spec",
    share: 20,
    codes: ["spec-invalid", "version-newer", "freeze-invalid"],
    growthBytes: 192 * MEGABYTE,
    inputs: fc.oneof(
      {
        weight: 4,
        arbitrary: specInput.map((input) => ({ text: encoded(JSON.stringify(input)), whole: parseSpec(input) })),
      },
      {
        weight: 8,
        arbitrary: damaged.map(([document, edits]) => ({
          text: encoded(damagedDocument(document, edits)),
          whole: null,
        })),
      },
      {
        weight: 3,
        arbitrary: cut.map(([document, edits]) => ({
          text: damagedBytes(encoded(JSON.stringify(document)), edits, []),
          whole: null,
        })),
      },
      { weight: 1, arbitrary: wideSweep.map((sweep) => ({ text: encoded(JSON.stringify(sweep)), whole: null })) },
    ),
    async read({ text, whole }) {
      const file = join(folder, "spec.json");
      writeFileSync(file, text);
      const read = await readSpecFile(file);
      const written: unknown = JSON.parse(
        Buffer.from(text)
          .toString("utf8")
          .replace(/^\uFEFF/, ""),
      );
      if (read.kind === "spec") {
        checkFields(written, read.spec, "spec");
        expectSame(
          "the spec read again",
          parseSpec(read.spec),
          read.spec,
          isDeepStrictEqual(parseSpec(read.spec), read.spec),
        );
        if (whole !== null) expectSame("the spec", read.spec, whole, isDeepStrictEqual(read.spec, whole));
        checkFreeze(read.spec);
        return read.spec;
      }
      checkFields(written, read.sweep, "sweep");
      expectSame("the sweep read again", null, null, isDeepStrictEqual(parseSweep(read.sweep), read.sweep));
      const cells = read.sweep.groups.flatMap((group) => [...expandGroup(read.sweep, group, 0)]);
      for (const cell of cells.slice(0, 20)) checkFreeze(cell.spec);
      return [read.sweep, cells];
    },
    files: ({ text }) => oneFile("spec.json", text),
  });
}
