import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FORMATS } from "../src/formats/formats.ts";
import { parseResult } from "../src/runner/record-parsing.ts";
import { environmentShape, eventShape } from "../src/runner/record-shapes.ts";
import type { Result } from "../src/runner/result.ts";
import { failureOf } from "./failure.ts";

/** A result that Thaw 0.1 wrote: it says neither which images were held out nor how sure the network was. */
const OLD = new URL(
  "../../../benchmarks/recorded/article-sweep-a/article-A-freeze-50_lr-0.00001-node-fd65f401e2ff.json",
  import.meta.url,
);

type Json = Record<string, unknown>;

const old = (): Result & Json => JSON.parse(readFileSync(OLD, "utf8"));

/** Sets the field that a path leads to. */
function changed(path: string, value: unknown): Json {
  const document = old() as Json;
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const owner = keys.reduce((inner, key) => inner[key] as Json, document);
  if (value === undefined) delete owner[last];
  else owner[last] = value;
  return document;
}

describe("a result", () => {
  it("of an older Thaw is read as it is, with what its spec could not say yet", () => {
    const { spec, ...rest } = old();
    expect(parseResult(old(), "old.json")).toEqual({
      ...rest,
      version: FORMATS.result.version,
      spec: { ...spec, stepLimitSeconds: 600 },
    });
  });

  it("of today has no loss that is null", async () => {
    const today = { ...changed("final.train.loss", null), version: FORMATS.result.version };
    const { code } = await failureOf(() => parseResult(today, "r.json"));
    expect(code).toBe("result-unreadable");
  });

  it("may have what a later Thaw adds", () => {
    expect(parseResult(changed("weather", "rain"), "new.json")).toMatchObject({ weather: "rain" });
  });

  it.each([
    ["final.train.loss", "0.5"],
    ["final.train", undefined],
    ["phases", []],
    ["phases.0.layers.0.params", -1],
    ["phases.0.optimizer.name", "lion"],
    ["environment.device.software", "no"],
    ["epochs.0.validation", "none"],
    ["timing.stepMs", { length: 3 }],
    ["predictions.test.0", 6],
    ["predictions.validation.0", 0.5],
    ["data.classes", []],
    ["data.classes", Array(30_001).fill("a")],
    ["data.heldOut", { validation: { ids: [], labels: [] }, test: { ids: [], labels: [] } }],
    ["version", 0],
    ["sweep", {}],
  ])("with another %s is none: %j", async (path, value) => {
    const { code, message, hint } = await failureOf(() => parseResult(changed(path, value), "r.json"));
    expect(code).toBe("result-unreadable");
    expect(message).toMatch(/^r\.json is no result: /);
    expect(hint).toContain("run again");
  });

  it("with a spec that is none says what is wrong with it", async () => {
    const { code, message } = await failureOf(() => parseResult(changed("spec.seed", -1), "r.json"));
    expect(code).toBe("spec-invalid");
    expect(message).toContain("r.json, spec: seed");
  });
});

describe("an event", () => {
  const { environment, trainable } = old();

  it("is what the interface says", () => {
    expect(environmentShape.parse(environment)).toEqual(environment);
    expect(eventShape.safeParse({ type: "start", environment, trainable, totalSteps: 3 }).success).toBe(true);
  });

  it.each([
    { type: "start", environment, trainable },
    { type: "start", environment: null, trainable, totalSteps: 3 },
    { type: "step", epoch: 1, step: 1, loss: "low", ms: 1, images: 1 },
    { type: "end" },
    { type: "profile" },
    {},
    null,
  ])("is none where something is missing", (event) => {
    expect(eventShape.safeParse(event).success).toBe(false);
  });
});
