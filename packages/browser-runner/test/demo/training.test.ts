import type { RunEvent } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { parseWeightsOption } from "../../demo/build/weights-option.ts";
import { sourceRect, withoutAlpha } from "../../demo/photos/pixels.ts";
import { confusionMatrix, judge } from "../../demo/result/confusion.ts";
import { curveRecorder } from "../../demo/training/curve-points.ts";
import { progressMeter, spokenTime } from "../../demo/training/progress.ts";
import { specOf } from "../../demo/training/settings.ts";

describe("time left", () => {
  it("is judged by steps, then by the last epoch, evaluation included", () => {
    const meter = progressMeter(6, 3); // two steps an epoch
    expect(meter.read()).toMatchObject({ imagesPerSecond: null, secondsLeft: null });
    meter.step({ step: 1, epoch: 1, ms: 4000, images: 8 });
    expect(meter.read()).toMatchObject({ imagesPerSecond: 2, secondsLeft: 20 });
    meter.step({ step: 2, epoch: 1, ms: 1000, images: 8 });
    meter.epoch(1000);
    expect(meter.read().secondsLeft).toBe(12); // two epochs like the first
    for (const step of [3, 4]) meter.step({ step, epoch: 2, ms: 500, images: 8 });
    meter.epoch(200);
    expect(meter.read().secondsLeft).toBeCloseTo(1.2);
    meter.step({ step: 5, epoch: 3, ms: 500, images: 8 });
    expect(meter.read().secondsLeft).toBeCloseTo(0.7);
  });

  it.each([
    [0.4, "less than 1 s"],
    [41.2, "about 42 s"],
    [150, "about 3 min"],
    [7200, "about 2.0 h"],
  ])("%d s are said %s", (seconds, said) => expect(spokenTime(seconds)).toBe(said));
});

describe("curves", () => {
  const step = (at: number): RunEvent => ({ type: "step", epoch: 1, step: at, loss: 1 / at, ms: 1, images: 1 });
  const epoch = (at: number): RunEvent => ({
    type: "epoch",
    phase: "only",
    epoch: at,
    learningRate: 1e-3,
    train: { loss: 0.5, accuracy: 0.25 },
    validation: null,
    trainMs: 1,
    evaluateMs: 1,
    imagesPerSecond: 1,
  });

  it("have single batches between epochs, and the epoch's means at its end", () => {
    const recorder = curveRecorder(2);
    for (const event of [step(1), step(2), epoch(1), step(3)]) recorder.note(event);
    expect(recorder.read()).toMatchObject({
      at: [0.5, 1, 1.5],
      batchLoss: [1, 0.5, 1 / 3],
      trainLoss: [null, 0.5, null],
      trainAccuracy: [null, 25, null],
      validationAccuracy: [null, null, null],
    });
  });

  it("keep every epoch of a long run, and a part of its batches", () => {
    const recorder = curveRecorder(100);
    for (let at = 1; at <= 10_000; at += 1) {
      recorder.note(step(at));
      if (at % 100 === 0) recorder.note(epoch(at / 100));
    }
    const { at, trainLoss } = recorder.read();
    expect(trainLoss.filter((loss) => loss !== null)).toHaveLength(100);
    expect(at.length).toBeLessThan(2200);
    expect(at.length).toBeGreaterThan(500);
  });
});

describe("a confusion matrix", () => {
  it("has a row for what photos are and a column for what they were taken for", () => {
    const judged = judge([1, 2, 4], [0, 0, 1, 1, 2], [0, 2, 2]);
    expect(judged).toEqual([
      { image: 1, label: 0, predicted: 0 },
      { image: 2, label: 1, predicted: 2 },
      { image: 4, label: 2, predicted: 2 },
    ]);
    expect(confusionMatrix(judged, 3)).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [0, 0, 1],
    ]);
  });
});

describe("pixels", () => {
  it("lose their alpha", () => {
    expect([...withoutAlpha(Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 255))]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("come from the whole photo, or from its centre", () => {
    expect(sourceRect(400, 300, "stretch")).toEqual({ x: 0, y: 0, width: 400, height: 300 });
    expect(sourceRect(400, 300, "crop")).toEqual({ x: 50, y: 0, width: 300, height: 300 });
  });
});

describe("settings", () => {
  it("become core's spec", () => {
    const settings = {
      freeze: 116,
      learningRate: 3e-4,
      epochs: 2,
      batchSize: 4,
      seed: 7,
      imageSize: 96,
      square: "crop",
      batchNorm: "inference-all",
      validation: 0.25,
      flip: true,
    } as const;
    const spec = specOf(settings, ["a", "b"], { named: "w.safetensors", alpha: 0.35 });
    expect(spec).toMatchObject({
      model: { alpha: 0.35, imageSize: 96, weights: "w.safetensors" },
      data: { kind: "tensors", classes: ["a", "b"] },
      freeze: 116,
      optimizer: { name: "adam", learningRate: 3e-4 },
      augmentation: { horizontalFlip: true },
    });
  });
});

describe("--weights", () => {
  it.each([
    ["imagenet", { source: "imagenet", alpha: 1, imageSize: 224 }],
    ["imagenet@0.35", { source: "imagenet", alpha: 0.35, imageSize: 224 }],
    ["dogs-160@1@160", { source: "dogs-160", alpha: 1, imageSize: 160 }],
    ["a@b/my.h5@1.4", { source: "a@b/my.h5", alpha: 1.4, imageSize: 224 }],
  ])("%s", (text, option) => expect(parseWeightsOption(text)).toEqual(option));
});
