import { type DecodedFile, decodeFiles, type ImageFile, type ResizeRule } from "@thaw/assets";
import type { Environment, PixelBatch, PredictOptions, PredictRequest, Runner } from "@thaw/core";
import { ThawError } from "@thaw/core";

/** A class and how sure the network is of it. */
export interface Guess {
  /** Index of the class. */
  readonly label: number;
  /** 0…1 */
  readonly probability: number;
}

/** What is said of one file: the likeliest classes, best first, or why it could not be read. */
export type Answer =
  | { readonly file: string; readonly guesses: readonly Guess[] }
  | { readonly file: string; readonly problem: string };

/** How images are read and answered. */
export interface AnswerOptions extends PredictOptions {
  /** Side of the network's input, pixels. */
  readonly imageSize: number;
  readonly resize: ResizeRule;
  /** Images handed to the runner at once. */
  readonly batchSize: number;
  /** Classes told of each image. */
  readonly top: number;
  /** Is told what computes, before the first answer. */
  readonly onStart: (environment: Environment) => void;
}

/** The likeliest classes of one image; of equals the first. */
function guessesOf(probabilities: Float32Array, top: number): Guess[] {
  return Array.from(probabilities, (probability, label) => ({ label, probability }))
    .sort((first, second) => second.probability - first.probability || first.label - second.label)
    .slice(0, top);
}

/** Decodes files into batches, and keeps in order what is on its way: images that are asked about, and what is no image. */
function batchesOf(
  files: readonly ImageFile[],
  { imageSize, resize, batchSize }: AnswerOptions,
  waiting: DecodedFile[],
): AsyncIterable<PixelBatch> {
  async function* batches(): AsyncGenerator<PixelBatch> {
    const imageBytes = imageSize * imageSize * 3;
    let pixels = new Uint8Array(batchSize * imageBytes);
    let count = 0;
    for await (const file of decodeFiles(files, imageSize, resize)) {
      waiting.push(file);
      if (!("pixels" in file.decoded)) continue;
      pixels.set(file.decoded.pixels, count * imageBytes);
      count += 1;
      if (count < batchSize) continue;
      yield { count, pixels };
      pixels = new Uint8Array(batchSize * imageBytes); // the one that was given may still be read
      count = 0;
    }
    if (count > 0) yield { count, pixels: pixels.subarray(0, count * imageBytes) };
  }
  return batches();
}

/** Answers for what stands in front of the next image: files without pixels. */
function* problemsIn(waiting: DecodedFile[]): Generator<Answer> {
  for (let [first] = waiting; first !== undefined && "reason" in first.decoded; [first] = waiting) {
    waiting.shift();
    yield { file: first.name, problem: first.decoded.reason };
  }
}

/**
 * Predicts the classes of image files on a runner, an answer for each file in the files' order. At most a few batches are
 * in memory, however many files there are.
 * @throws ThawError `predict-unsupported`, and what the runner throws
 */
export async function* answers(
  runner: Runner,
  request: PredictRequest,
  files: readonly ImageFile[],
  options: AnswerOptions,
): AsyncGenerator<Answer> {
  if (runner.predict === undefined) {
    throw new ThawError("predict-unsupported", `Runner "${runner.name}" does not predict.`, {
      hint: "Use --runner node (the default), dawn or reference.",
    });
  }
  const waiting: DecodedFile[] = [];
  for await (const event of runner.predict(request, batchesOf(files, options, waiting), options)) {
    if (event.type === "start") {
      options.onStart(event.environment);
      continue;
    }
    for (let image = 0; image < event.count; image += 1) {
      yield* problemsIn(waiting);
      const file = waiting.shift()?.name ?? "";
      const row = event.probabilities.subarray(image * request.classCount, (image + 1) * request.classCount);
      yield { file, guesses: guessesOf(row, options.top) };
    }
  }
  yield* problemsIn(waiting);
}
