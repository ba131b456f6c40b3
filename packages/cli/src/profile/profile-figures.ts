import {
  type KernelName,
  type PassStep,
  type ProfiledCall,
  type ProfiledStep,
  type ProfilePass,
  parameterCount,
  type RunProfile,
  sizeOf,
  ThawError,
} from "@thaw/core";
import { spreadOf } from "../bench/statistics.ts";
import type {
  HotSpot,
  KernelRow,
  LayerRow,
  MemoryCurve,
  PartRow,
  ProfileClock,
  ProfileFigures,
} from "./profile-report.ts";

const PASSES: readonly ProfilePass[] = ["input", "prefix", "forward", "backward", "optimizer", "wait"];
const FLOAT32_BYTES = 4;
const HOT_SPOTS = 20;

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

/** Sums values under keys. */
function sums<T, K>(items: readonly T[], key: (item: T) => K, value: (item: T) => number): Map<K, number> {
  const totals = new Map<K, number>();
  for (const item of items) totals.set(key(item), (totals.get(key(item)) ?? 0) + value(item));
  return totals;
}

/** Layers that no time was noted for, under the one whose kernel does them: padding goes up, the rest down. */
function layersTogether(pass: readonly PassStep[], seen: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const together = new Map<string, string[]>();
  let owner: string | undefined;
  let waiting: string[] = [];
  for (const { layer } of pass) {
    if (seen.has(layer.name)) {
      owner = layer.name;
      together.set(owner, waiting);
      waiting = [];
    } else if (layer.op.type === "ZeroPadding2D") {
      waiting.push(layer.name);
    } else {
      if (owner !== undefined) together.get(owner)?.push(layer.name);
      waiting = []; // of a layer whose outputs were fetched
    }
  }
  return together;
}

/** Operations for each byte of one image's inputs and outputs, and of the weights over the batch. */
function intensity(pass: readonly PassStep[], { layer, inputs }: PassStep, images: number): number | null {
  if (layer.macs === 0) return null;
  const read = sum(inputs, (input) => sizeOf(pass[input]?.layer.outputShape ?? []));
  const values = read + sizeOf(layer.outputShape) + parameterCount(layer) / images;
  return (2 * layer.macs) / (FLOAT32_BYTES * values);
}

/** Time by layer and part, on the clock that the profile goes by. */
function layerTimes({ layers, calls }: ProfiledStep, clock: ProfileClock): ReadonlyMap<string, number> {
  if (clock !== "device")
    return sums(
      layers,
      ({ pass, layer }) => `${pass}/${layer}`,
      ({ ms }) => ms,
    );
  const inLayers = calls.filter(({ layer }) => layer !== null);
  return sums(
    inLayers,
    ({ pass, layer }) => `${pass}/${layer}`,
    ({ deviceMs }) => deviceMs ?? 0,
  );
}

function layerRows(
  profile: RunProfile,
  pass: readonly PassStep[],
  clock: ProfileClock,
  wholeMs: number,
): readonly LayerRow[] {
  const { steps, evaluation } = profile;
  const seen = new Set(steps.flatMap(({ layers }) => layers.map(({ layer }) => layer)));
  const together = layersTogether(pass, seen);
  const times = steps.map((step) => layerTimes(step, clock));
  const evaluated = evaluation === null ? null : layerTimes(evaluation, clock);
  const mean = (part: ProfilePass, layer: string): number =>
    sum(times, (time) => time.get(`${part}/${layer}`) ?? 0) / steps.length;
  return pass
    .filter(({ layer }) => seen.has(layer.name))
    .map((step): LayerRow => {
      const { layer, inputs, trains } = step;
      const { name, op, macs } = layer;
      const images = (part: ProfilePass): number =>
        sum(steps, (each) => (each.layers.some((span) => span.pass === part && span.layer === name) ? each.images : 0));
      const prefixMs = mean("prefix", name);
      const inPrefix = images("prefix") > 0;
      const forwardMs = prefixMs + mean("forward", name);
      const backwardMs = mean("backward", name);
      const gradients = Number(trains) + Number(inputs.some((input) => pass[input]?.carriesGradient === true));
      const up = images("prefix") + images("forward");
      const stepMacs = (macs * (up + gradients * images("backward"))) / steps.length;
      const ms = forwardMs + backwardMs;
      return {
        layer: name,
        type: op.type,
        together: together.get(name) ?? [],
        trains,
        inPrefix,
        forwardMs,
        backwardMs,
        share: ms / wholeMs,
        macs: stepMacs,
        gigaflops: stepMacs === 0 || ms === 0 ? null : (2 * stepMacs) / ms / 1e6,
        flopsPerByte: intensity(pass, step, steps[0]?.images ?? 1),
        evaluateMs: evaluated === null ? null : (evaluated.get(`evaluate/${name}`) ?? 0),
      };
    });
}

function memoryOf({ calls, startMs }: ProfiledStep): MemoryCurve {
  const [first, ...rest] = calls;
  if (first === undefined) throw new ThawError("profile-incomplete", "The profiled step called no kernel.");
  const peak = rest.reduce((most, call) => (call.bytes > most.bytes ? call : most), first);
  return {
    peakBytes: peak.bytes,
    peakTensors: Math.max(...calls.map(({ tensors }) => tensors)),
    at: { pass: peak.pass, layer: peak.layer, kernel: peak.kernel },
    points: calls.map(({ startMs: from, ms, bytes, tensors }) => ({ ms: from + ms - startMs, bytes, tensors })),
  };
}

/**
 * Adds a profile up.
 * @param pass the phase's layers
 * @param asynchronous whether the device works on its own while the program goes on
 * @throws ThawError `profile-incomplete`
 */
export function profileFigures(profile: RunProfile, pass: readonly PassStep[], asynchronous: boolean): ProfileFigures {
  const { steps, evaluation } = profile;
  const [first] = steps;
  const stepMs = spreadOf(steps.map(({ ms }) => ms));
  if (first === undefined || stepMs === null) throw new ThawError("profile-incomplete", "No step was profiled.");
  const calls = steps.flatMap((step) => step.calls);
  const onDevice = calls.some(({ deviceMs }) => deviceMs !== undefined && deviceMs > 0);
  const clock = onDevice ? "device" : asynchronous ? "submission" : "exact";
  const time = ({ ms, deviceMs = 0 }: ProfiledCall): number => (onDevice ? deviceMs : ms);
  const meanStepMs = sum(steps, ({ ms }) => ms) / steps.length;
  const deviceStepMs = onDevice ? sum(calls, time) / steps.length : null;
  const wholeMs = deviceStepMs ?? meanStepMs;

  const passes = sums(
    steps.flatMap((step) => step.passes),
    (part) => part.pass,
    ({ ms }) => ms / steps.length,
  );
  const parts = PASSES.filter((part) => passes.has(part)).map((part): PartRow => {
    const ms = passes.get(part) ?? 0;
    return { pass: part, ms, share: ms / meanStepMs };
  });
  const counts = sums(
    calls,
    ({ kernel }) => kernel,
    () => 1 / steps.length,
  );
  const kernels = [
    ...sums(
      calls,
      ({ kernel }) => kernel,
      (call) => time(call) / steps.length,
    ),
  ]
    .map(([kernel, ms]): KernelRow => ({ kernel, calls: counts.get(kernel) ?? 0, ms, share: ms / wholeMs }))
    .sort((a, b) => b.ms - a.ms);
  const spots = sums(
    calls.filter(({ layer }) => layer !== null),
    ({ kernel, layer }) => `${kernel} ${layer}`,
    (call) => time(call) / steps.length,
  );
  const hotSpots = [...spots]
    .map(([key, ms]): HotSpot => {
      const [kernel, layer = ""] = key.split(" ") as [KernelName, string];
      return { kernel, layer, ms, share: ms / wholeMs };
    })
    .sort((a, b) => b.ms - a.ms)
    .slice(0, HOT_SPOTS);
  return {
    clock,
    images: first.images,
    stepMs,
    meanStepMs,
    deviceStepMs,
    outsideKernelsMs: meanStepMs - sum(calls, ({ ms }) => ms) / steps.length - (passes.get("wait") ?? 0),
    parts,
    layers: layerRows(profile, pass, clock, wholeMs),
    kernels,
    hotSpots,
    memory: memoryOf(first),
    evaluation: evaluation === null ? null : { images: evaluation.images, ms: evaluation.ms },
  };
}
