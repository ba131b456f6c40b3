import { buildNetwork } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { freezeSentence, shortCount, summarizeFreeze } from "../../demo/network/freeze-summary.ts";
import { freezeStops, largestFreeze, layerGroups, nearestStop, nextStop } from "../../demo/network/layer-groups.ts";
import { modelSpec } from "../../demo/network/model-spec.ts";

const network = buildNetwork(modelSpec({ alpha: 1, imageSize: 160 }, "test"), 6);
const { base } = network;
const KERAS = { frozenBatchNorm: "inference", batchNorm: "keras" } as const;

describe("groups of layers", () => {
  const groups = layerGroups(network.layers);

  it("are stem, 17 blocks, top and head, without a gap", () => {
    const blocks = Array.from({ length: 17 }, (_, index) => String(index));
    expect(groups.map(({ label }) => label)).toEqual(["stem", ...blocks, "top", "head"]);
    expect(groups.slice(1).map(({ from }) => from)).toEqual(groups.slice(0, -1).map(({ to }) => to));
    expect(groups.at(-1)?.to).toBe(network.layers.length);
  });

  it("begin where Keras's blocks do", () => {
    const first = groups.map(({ from }) => network.layers[from]?.name);
    expect(first.slice(0, 3)).toEqual(["input_layer", "expanded_conv_depthwise", "block_1_expand"]);
    expect(first.at(-2)).toBe("Conv_1");
  });
});

describe("stops of the slider", () => {
  const stops = freezeStops(base.layers);

  it("go from nothing frozen to the whole base", () => {
    expect(largestFreeze(base.layers)).toBe(154);
    expect([stops[0], stops.at(-2), stops.at(-1)]).toEqual([0, 151, 154]);
    expect(stops).toHaveLength(20);
  });

  it("are found from anywhere", () => {
    expect(nearestStop(stops, 118)).toBe(116);
    expect(nextStop(stops, 116, 1)).toBe(125);
    expect(nextStop(stops, 118, -1)).toBe(116);
    expect(nextStop(stops, 154, 1)).toBe(154);
    expect(nextStop(stops, 0, -1)).toBe(0);
  });
});

describe("what a freeze count means", () => {
  // The figures of the article's rows, as `thaw layers` and Keras count them.
  it.each([
    [0, "Conv1", 158, 52],
    [50, "block_5_project", 107, 35],
    [100, "block_11_depthwise", 56, 18],
    [154, "head", 2, 0],
  ] as const)(
    "%i: from %s on, %i tensors, %i normalizations by batch",
    (count, firstTrained, trainedTensors, batchStats) => {
      const summary = summarizeFreeze(network, count, KERAS);
      expect(summary).toMatchObject({ firstTrained, trainedTensors, batchStats, inference: 52 - batchStats });
      expect(freezeSentence(summary)).toMatch(/[a-z]/);
    },
  );

  it("is less work the more is frozen", () => {
    const shares = [0, 50, 100, 154].map((count) => summarizeFreeze(network, count, KERAS).stepShare);
    expect(shares[0]).toBe(1);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    expect(shares[3]).toBeCloseTo(1 / 3, 1); // forward alone, where a step is three such passes
  });

  it("is said with names", () => {
    const said = (count: number): string => freezeSentence(summarizeFreeze(network, count, KERAS));
    expect(said(0)).toBe("Nothing is frozen: everything from Conv1 to the head trains.");
    expect(said(1)).toBe("Nothing is frozen: everything from Conv1 to the head trains."); // the input has no weights
    expect(said(100)).toBe(
      "The first 100 of 154 layers are frozen, up to block_11_expand_BN. block_11_depthwise is the first that trains.",
    );
    expect(said(154)).toBe("All 154 pretrained layers are frozen: the head alone trains.");
  });

  it("is counted in a few digits", () => {
    expect([7686, 312_847, 1_871_000].map(shortCount)).toEqual(["7,686", "313 k", "1.87 M"]);
  });
});
