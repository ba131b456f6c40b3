import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Tensor } from "@tensorflow/tfjs-core";
import { openStore, preparePlan } from "@thaw/assets";
import { perturbedPlan, traceRun } from "@thaw/cli/internals";
import {
  type Environment,
  FUSED_KERNELS,
  type Host,
  type Kernels,
  type NamedTensors,
  networkOf,
  type Outcome,
  type Plan,
  parseSafetensors,
  parseSpec,
  STEP_FILE,
  serializeError,
  startingWeights,
  ThawError,
  train,
  weightsFile,
  writeSafetensors,
} from "@thaw/core";
import { type Evidence, judgeFailedRun, judgeTraces, type Reference, type RungResult } from "@thaw/core/parity";
import { createRunner } from "@thaw/keras-runner";
import { environmentOf, loadEngine, nodeSettings, tensorflowKernels } from "@thaw/node-runner/internals";
import type { Healthy, RunFault, RunParts } from "./fault.ts";

const SPEC = fileURLToPath(new URL("../../specs/planted-faults.json", import.meta.url));
const WEIGHTS_AT = [0, 1, 4];

/** A healthy libtensorflow, a plan, and Keras's traces of it: what faults are planted into and held against. */
export interface FaultBench extends Healthy {
  /** All rungs that the healthy run is judged by: they must pass. */
  judgeHealthy(): Promise<readonly RungResult[]>;
  judge(fault: RunFault): Promise<readonly RungResult[]>;
}

/** Runs a plan in this process and keeps its trace in memory. */
async function traceHere(
  plan: Plan,
  kernels: Kernels<Tensor>,
  environment: Environment,
  storeDir: string,
): Promise<Evidence> {
  const store = openStore(storeDir);
  const files = new Map<string, NamedTensors>();
  const host: Host<Tensor> = {
    kernels,
    environment,
    now: () => performance.now(),
    synchronize: async () => undefined,
    peakRssBytes: () => null,
    readBlob: (ref) => store.read(ref),
    trace: {
      weightsAt: WEIGHTS_AT,
      write: async (name, bytes) => {
        files.set(name, parseSafetensors(bytes, name));
        return name;
      },
    },
  };
  let outcome: Outcome | undefined;
  for await (const event of train(plan, host)) if (event.type === "end") outcome = event.outcome;
  const firstStep = files.get(STEP_FILE);
  if (outcome === undefined || firstStep === undefined) throw new ThawError("internal", "The run left no trace.");
  const weights = new Map(WEIGHTS_AT.map((step) => [step, files.get(weightsFile(step)) ?? new Map()]));
  return { runner: "node", environment, outcome, firstStep, weights };
}

async function traceKeras(plan: Plan, storeDir: string): Promise<Reference> {
  const runner = createRunner("keras");
  const scratchDir = await mkdtemp(join(tmpdir(), "thaw-faults-"));
  const trace = async (of: Plan, dtype: string): Promise<Evidence> => {
    const { signal } = new AbortController();
    return await traceRun(
      { runner, plan: of, storeDir, settings: { dtype }, weightsAt: WEIGHTS_AT, signal },
      scratchDir,
    );
  };
  try {
    const exact = await trace(plan, "float64");
    const rounded = [await trace(plan, "float32")];
    for (const seed of [2, 3]) rounded.push(await trace(await perturbedPlan(plan, storeDir, seed), "float32"));
    return { exact, rounded };
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
  }
}

/** Prepares the plan and lets Keras run it. Takes about a minute. */
export async function openFaultBench(): Promise<FaultBench> {
  const spec = parseSpec(JSON.parse(await readFile(SPEC, "utf8")), { where: SPEC });
  const { plan, storeDir } = await preparePlan({ ...spec, record: "steps" }, { baseDir: join(SPEC, "..") });
  const settings = nodeSettings({ threads: 2 });
  const loaded = loadEngine(settings);
  const environment = environmentOf(loaded, settings);
  const { tf } = loaded;
  const whole = tensorflowKernels(tf, loaded.backend);
  const fused: readonly string[] = FUSED_KERNELS; // a fault in one operation must not be passed by
  const kernels = Object.fromEntries(
    Object.entries(whole).filter(([name]) => !fused.includes(name)),
  ) as unknown as typeof whole;
  const store = openStore(storeDir);
  const weights = await startingWeights(plan, { readBlob: (ref) => store.read(ref) });
  const reference = await traceKeras(plan, storeDir);
  const subject = { runner: "node", depth: "rules", layers: networkOf(plan).layers };

  const parts: RunParts = {
    kernels,
    tf,
    plan,
    weights,
    async withWeights(given) {
      const blob = await store.put(writeSafetensors(given));
      return { ...plan, weights: { blob, source: "fault" }, headWeights: { blob, source: "fault" } };
    },
    async withPixels(change) {
      const [shard] = plan.dataset.shards;
      if (shard === undefined) throw new ThawError("internal", "The plan has no shard.");
      const pixels = change(await store.read(shard), plan.dataset.imageShape[0]);
      const changed = { ...(await store.put(pixels)), count: shard.count };
      return { ...plan, dataset: { ...plan.dataset, shards: [changed] } };
    },
  };

  async function judge(plant: RunFault["plant"]): Promise<readonly RungResult[]> {
    try {
      const trace = async (perturbed: boolean): Promise<Evidence> => {
        const faulty = await plant(parts); // anew each time: some faults count steps
        const from = perturbed ? await perturbedPlan(faulty.plan ?? plan, storeDir) : (faulty.plan ?? plan);
        return await traceHere(from, faulty.kernels ?? kernels, environment, storeDir);
      };
      const pair = { run: await trace(false), perturbed: await trace(true) };
      return judgeTraces(pair, reference, subject, plan.spec.optimizer);
    } catch (error) {
      return judgeFailedRun(serializeError(error), subject);
    }
  }
  return {
    kernels,
    tf,
    judgeHealthy: () => judge(async () => ({})),
    judge: ({ plant }) => judge(plant),
  };
}
