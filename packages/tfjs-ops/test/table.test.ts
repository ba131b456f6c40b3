import { beforeAll, describe, expect, it } from "vitest";
import { caseOf } from "../src/case-data.ts";
import { judge, type OpEngine } from "../src/judgement.ts";
import { parametersText } from "../src/op-row.ts";
import { opRows } from "../src/suite.ts";
import { cpuEngine } from "./cpu-engine.ts";

/**
 * What tfjs's plain JavaScript backend gets wrong, and nothing else: each was checked by hand, see docs/tfjs-ops.md. One
 * that a new tfjs mends fails here, so that its line goes.
 */
const KNOWN: Readonly<Record<string, string>> = {
  "tf.sign": "NaN becomes 0",
  "tf.clipByValue (equal limits)": "no gradient where both limits are the same",
  "tf.floorDiv": "the result of float32 is int32",
  "tf.maximum": "the gradient is not summed over broadcast axes",
  "tf.minimum": "the gradient is not summed over broadcast axes",
  "tf.squaredDifference": "the gradient is not summed over broadcast axes",
  "tf.prod": "the gradient throws for an axis counted from behind",
  "tf.cumsum": "wrong shape for an axis counted from behind; the gradient permutes axes the wrong way",
  "tf.cumprod": "wrong shape for an axis counted from behind",
  "tf.matMul": "broadcast batches: a part of the result is missing, the gradient is not summed",
  "tf.avgPool": "the gradient divides by the whole window where a part of it is padding",
  "tf.avgPool3d": "the gradient divides by the whole window where a part of it is padding",
  "tf.batchNorm": "the gradient throws without scale or offset",
  "tf.image.resizeBilinear": "the gradient swaps height and width, and knows no halfPixelCenters",
  "tf.image.resizeNearestNeighbor":
    "the gradient is wrong for more than one image, knows no halfPixelCenters, and hangs",
  "tf.mirrorPad (reflect)": "the gradient leaves out what was mirrored",
  "tf.mirrorPad (symmetric)": "the gradient leaves out what was mirrored",
  "tf.denseBincount": "counts where it is asked whether",
  "tf.searchSorted (left)": "one axis too many",
  "tf.searchSorted (right)": "one axis too many",
};

/** One pixel, made larger with alignCorners: the gradient never returns (tfjs-backend-cpu 4.22). */
const HANGS = "shape [1,1,1,3], size [2,3], alignCorners true, halfPixelCenters false";

describe("the table on tfjs's cpu backend", () => {
  let engine: OpEngine;
  beforeAll(async () => {
    engine = await cpuEngine();
  });

  it("finds what is known to be wrong, and no more", async () => {
    const wrong = new Set<string>();
    for (const row of opRows()) {
      for (const parameters of row.cases) {
        if (row.op === "tf.image.resizeNearestNeighbor" && parametersText(parameters) === HANGS) continue;
        const results = await judge(engine, caseOf(row, parameters));
        if (results.some(({ problem }) => problem !== null)) wrong.add(row.op);
      }
    }
    expect([...wrong].sort()).toEqual(Object.keys(KNOWN).sort());
  });

  it("has each operation once and each of its cases once, all of them valid", () => {
    const rows = opRows();
    expect(new Set(rows.map(({ op }) => op)).size).toBe(rows.length);
    for (const row of rows) {
      expect(new Set(row.cases.map(parametersText)).size, row.op).toBe(row.cases.length);
      for (const parameters of row.cases) expect(() => caseOf(row, parameters)).not.toThrow();
    }
  });
});
