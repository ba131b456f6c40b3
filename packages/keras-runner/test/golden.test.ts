import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openStore, preparePlan, resolveFile } from "@thaw/assets";
import {
  loadImages,
  type NamedTensors,
  networkOf,
  type Outcome,
  type Plan,
  parseSafetensors,
  parseSpec,
  STEP_FILE,
  sha256,
  sizeOf,
  startingWeights,
  TRACED_VALUES,
  tracePositions,
  weightsFile,
  writeSafetensors,
} from "@thaw/core";
import { beforeAll, describe, expect, it } from "vitest";
import { JUDGE, kerasEvents } from "./keras-run.ts";

const GOLDEN = "golden/mnv2-0.35-96-adam";
const SPEC = fileURLToPath(new URL("../../../benchmarks/specs/golden.json", import.meta.url));
/** The golden file has small gradients in float64, the larger in float32. */
const GRADIENT_ERROR = { float64: 1e-9, float32: 2 ** -24 };

/** What a run of the golden case left behind. */
interface Traced {
  readonly plan: Plan;
  readonly storeDir: string;
  readonly outcome: Outcome;
  readonly step: NamedTensors;
  readonly start: NamedTensors;
}

async function traceGolden(depth: number): Promise<Traced> {
  const spec = parseSpec({ ...JSON.parse(readFileSync(SPEC, "utf8")), freeze: depth }, { where: SPEC });
  const { plan, storeDir } = await preparePlan(spec, { baseDir: join(SPEC, "..") });
  const folder = mkdtempSync(join(tmpdir(), "thaw-trace-"));
  const trace = { folder, weightsAt: [0, 4] };
  const end = (await kerasEvents(plan, { storeDir, settings: JUDGE, trace })).at(-1);
  if (end?.type !== "end") throw new Error("the run did not end");
  const read = (name: string): NamedTensors => parseSafetensors(readFileSync(join(folder, name)), name);
  return { plan, storeDir, outcome: end.outcome, step: read(STEP_FILE), start: read(weightsFile(0)) };
}

function l2(values: Iterable<number>): number {
  return Math.sqrt([...values].reduce((sum, value) => sum + value * value, 0));
}

describe.skipIf(process.env.THAW_ASSETS === undefined)(
  "Keras float64 beside its golden file (needs THAW_ASSETS)",
  () => {
    let golden: NamedTensors;
    let losses: Readonly<Record<string, { readonly losses: readonly number[] }>>;

    beforeAll(async () => {
      const places = { baseDir: process.cwd(), env: process.env };
      golden = parseSafetensors(readFileSync(await resolveFile(`${GOLDEN}.safetensors`, places)), GOLDEN);
      losses = JSON.parse(readFileSync(await resolveFile(`${GOLDEN}.json`, places), "utf8")).runs;
    });

    it.each([0, 100])(
      "depth %i",
      async (depth) => {
        const { plan, storeDir, outcome, step, start } = await traceGolden(depth);
        const store = openStore(storeDir);
        const under = `d${depth}/float64`;

        const expected = losses[under]?.losses ?? [];
        expect(outcome.steps).toHaveLength(expected.length);
        for (const [index, loss] of expected.entries()) {
          expect(Math.abs((outcome.steps?.[index]?.loss ?? Number.NaN) - loss) / loss).toBeLessThan(1e-9);
        }
        expect(step.get("loss")?.data[0]).toBe(outcome.steps?.[0]?.loss);

        // What it started from is what every other runner starts from.
        const weights = await startingWeights(plan, { readBlob: (ref) => store.read(ref) });
        expect(outcome.digests.initial).toBe(await sha256(writeSafetensors(weights)));
        expect([...start.keys()]).toEqual([...weights.keys()]);
        expect(start.get("Conv1/kernel")).toMatchObject({ dtype: "float64", shape: [3, 3, 3, 16] });

        const { layers } = networkOf(plan);
        const rms = golden.get(`${under}/act_rms`)?.data ?? [];
        for (const [index, { name, outputShape }] of layers.entries()) {
          const size = plan.spec.batchSize * sizeOf(outputShape);
          expect(step.get(`activations/${name}`)?.shape).toEqual([Math.min(size, TRACED_VALUES)]);
          const [found = Number.NaN, , , nonFinite] = step.get(`summary/${name}`)?.data ?? [];
          expect(nonFinite).toBe(0);
          const golden155 = rms[index]; // the head is not in the golden file
          if (golden155 !== undefined) expect(Math.abs(found - golden155) / golden155).toBeLessThan(1e-9);
        }
        const pixels = await loadImages(plan.dataset, "tf", (ref) => store.read(ref));
        const images = pixels.batch(plan.splits.train.slice(0, plan.spec.batchSize));
        const traced = step.get("activations/input_layer")?.data ?? [];
        for (const [index, position] of tracePositions(images.length).entries()) {
          if (Math.abs((traced[index] ?? Number.NaN) - (images[position] ?? 0)) > 1e-7) expect.fail(`value ${index}`);
        }

        const trained = [...step.keys()].filter((name) => name.startsWith("gradients/")).map((name) => name.slice(10));
        expect(trained).toEqual(outcome.trace?.trained);
        expect(trained).toHaveLength(plan.phases[0]?.trainable.tensors ?? 0);
        const prefix = `${under}/grad/`;
        const gradients = [...golden].filter(([name]) => name.startsWith(prefix));
        expect(gradients.length).toBeGreaterThan(50);
        for (const [name, { data, dtype }] of gradients) {
          const found = step.get(`gradients/${name.slice(prefix.length)}`)?.data ?? [];
          const error = l2(Array.from(data, (value, index) => value - (found[index] ?? Number.NaN)));
          // Some are zero but for rounding (a bias before a batch normalization): no smaller than that is told apart.
          expect(error / Math.max(l2(data), 1e-6)).toBeLessThan(
            GRADIENT_ERROR[dtype === "float64" ? "float64" : "float32"],
          );
          const norm = golden.get(`${under}/grad_norm/${name.slice(prefix.length)}`)?.data[0] ?? Number.NaN;
          expect(Math.abs(l2(found) - norm)).toBeLessThan(1e-9 * Math.max(norm, 1e-6));
        }
      },
      240_000,
    );
  },
);
