import { ThawError } from "../error.ts";
import { type HostTensor, writeSafetensors } from "../model/safetensors.ts";
import { networkOf, type Plan } from "../plan/plan.ts";
import { initialWeights } from "../train/initial-weights.ts";
import { confidencesOf, predictedClasses } from "../train/metrics.ts";
import type { TestFunctions } from "./contract.ts";
import type { PixelBatch, PredictRequest } from "./prediction.ts";
import type { Runner, RunOptions } from "./runner.ts";

/** What the tests need of the suite. */
export interface PredictTest {
  /** A plan that trains the head alone, at a rate so small that no prediction shows it. */
  readonly planOf: () => Promise<Plan>;
  /** All images of the plan's set, one behind the other. */
  readonly pixels: Uint8Array;
  readonly codeOf: (work: Promise<unknown>) => Promise<string>;
}

function requestOf(plan: Plan): PredictRequest {
  const weights = new Map<string, HostTensor>();
  for (const layer of networkOf(plan).layers) {
    for (const [name, value] of initialWeights(layer, plan.spec.seed)) weights.set(name, value);
  }
  return {
    model: plan.spec.model,
    classCount: plan.dataset.classes.length,
    weights: writeSafetensors(weights),
    stepLimitSeconds: plan.spec.stepLimitSeconds,
  };
}

/** Images in batches of these sizes. */
async function* inBatches(images: readonly Uint8Array[], sizes: readonly number[]): AsyncGenerator<PixelBatch> {
  let start = 0;
  for (const count of sizes) {
    const batch = images.slice(start, start + count);
    const pixels = new Uint8Array(batch.reduce((sum, image) => sum + image.length, 0));
    for (const [place, image] of batch.entries()) pixels.set(image, place * image.length);
    yield { count, pixels };
    start += count;
  }
}

/** The part of a runner's contract that is about predictions, for runners that predict. */
export function testPredict(
  runner: Runner,
  { planOf, pixels, codeOf }: PredictTest,
  options: RunOptions,
  test: (name: string, body: () => Promise<void>) => void,
  expect: TestFunctions["expect"],
): void {
  const { predict } = runner;
  if (predict === undefined) return;

  async function probabilities(
    request: PredictRequest,
    batches: AsyncIterable<PixelBatch>,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const found: number[] = [];
    const given = { settings: options.settings, ...(signal === undefined ? {} : { signal }) };
    for await (const event of predict?.(request, batches, given) ?? []) {
      if (event.type === "batch") found.push(...event.probabilities);
      else expect(event.environment.runner).toBe(runner.name);
    }
    return Float32Array.from(found);
  }

  function imagesOf({ dataset }: Plan): Uint8Array[] {
    const size = dataset.imageShape.reduce((product, length) => product * length, 1);
    return dataset.labels.map((_, index) => pixels.subarray(index * size, (index + 1) * size));
  }

  test("predicts what a run's own evaluation said, in batches of any size", async () => {
    const plan = await planOf();
    const { validation } = plan.splits;
    const images = imagesOf(plan);
    let said: readonly [readonly number[], readonly number[]] | undefined;
    for await (const event of runner.run(plan, options)) {
      if (event.type !== "end") continue;
      const { predictions, certainty } = event.outcome;
      said = [predictions.validation, certainty?.validation.confidences ?? []];
    }
    if (said === undefined) throw new ThawError("internal", "The run has no end.");
    const chosen = validation.map((index) => images[index] ?? new Uint8Array());
    const request = requestOf(plan);
    for (const sizes of [[chosen.length], chosen.map(() => 1)]) {
      const found = await probabilities(request, inBatches(chosen, sizes));
      expect(found.length).toBe(chosen.length * request.classCount);
      const predicted = predictedClasses(found, request.classCount);
      expect(predicted).toEqual(said[0]);
      for (const [image, confidence] of confidencesOf(found, predicted).entries()) {
        expect(confidence).toBeCloseTo(said[1][image] ?? Number.NaN, 5);
      }
    }
  });

  test("refuses a batch that is not the images it says, and weights that are no numbers", async () => {
    const plan = await planOf();
    const request = requestOf(plan);
    const images = imagesOf(plan);
    const cut = images.map((image) => image.subarray(1));
    expect(await codeOf(probabilities(request, inBatches(cut, [2])))).toBe("batch-invalid");
    const weights = request.weights.slice();
    weights.fill(0xff, -4); // a NaN
    expect(await codeOf(probabilities({ ...request, weights }, inBatches(images, [1])))).toBe("non-finite");
  });

  test("stops predicting when it is told to, and asks for no more images", async () => {
    const plan = await planOf();
    const [image] = imagesOf(plan);
    const controller = new AbortController();
    let asked = 0;
    async function* endless(): AsyncGenerator<PixelBatch> {
      for (;;) {
        asked += 1;
        if (asked > 3) controller.abort();
        yield { count: 1, pixels: image ?? new Uint8Array() };
      }
    }
    expect(await codeOf(probabilities(requestOf(plan), endless(), controller.signal))).toBe("cancelled");
    expect(asked < 100).toBe(true);
  });
}
