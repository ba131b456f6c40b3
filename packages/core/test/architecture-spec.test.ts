import { describe, expect, it } from "vitest";
import { parseSpec } from "../src/spec/parse.ts";
import { failureOf } from "./failure.ts";
import { SHORTEST, specWith } from "./spec-example.ts";

describe("model.architecture", () => {
  it("is MobileNetV2 with alpha 1 where nothing is said", () => {
    const { model } = specWith({});
    expect(model).toMatchObject({ architecture: "MobileNetV2", alpha: 1 });
    expect(Object.keys(model).sort()).toEqual(["alpha", "architecture", "head", "imageSize", "pooling", "weights"]);
  });

  it("has an alpha only where the network has a width multiplier", () => {
    expect(specWith({ model: { architecture: "MobileNet" } }).model.alpha).toBe(1);
    const { model } = specWith({ model: { architecture: "ResNet50" } });
    expect("alpha" in model).toBe(false);
    expect(parseSpec({ ...SHORTEST, model }).model).toEqual(model); // a sweep parses its cells again
  });

  it.each([
    [{ architecture: "ResNet50", alpha: 1 }, "model.alpha: ResNet50 has no width multiplier; leave it out"],
    [{ architecture: "MobileNetV2", alpha: 0.25 }, "expected 0.35, 0.5, 0.75, 1, 1.3, 1.4 for MobileNetV2; found 0.25"],
    [{ architecture: "MobileNetV3Small", alpha: 0.5 }, "expected 0.75, 1 for MobileNetV3Small; found 0.5"],
    [{ architecture: "keras" }, 'model.config: is missing; architecture "keras" needs the path'],
    [{ architecture: "ResNet50", config: "x.keras" }, 'model.config: goes with architecture "keras" alone'],
    [{ architecture: "MobileNet", preprocessing: "tf" }, 'model.preprocessing: goes with architecture "keras" alone'],
    [{ architecture: "VGG16" }, 'model.architecture: expected "MobileNetV2", "MobileNet", "MobileNetV3Small"'],
  ])("refuses %j", async (model, message) => {
    const error = await failureOf(() => parseSpec({ ...SHORTEST, model }));
    expect(error.code).toBe("spec-invalid");
    expect(error.message).toContain(message);
  });
});
