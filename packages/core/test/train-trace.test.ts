import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type HostTensor, parseSafetensors } from "../src/model/safetensors.ts";
import { networkOf } from "../src/plan/plan.ts";
import { STEP_FILE, TRACED_VALUES, type TraceSink, tracePositions } from "../src/runner/trace.ts";
import { complete, type TinyResult, type TinyRun, tinyRun } from "./tiny-run.ts";

interface Traced extends TinyResult {
  readonly files: ReadonlyMap<string, ReadonlyMap<string, HostTensor>>;
}

/** Runs a plan with a trace kept in memory. */
async function traced(run: TinyRun, weightsAt: readonly number[]): Promise<Traced> {
  const files = new Map<string, ReadonlyMap<string, HostTensor>>();
  const trace: TraceSink = {
    weightsAt,
    write: async (name, bytes) => {
      files.set(name, parseSafetensors(bytes, name));
      return name;
    },
  };
  return { ...(await complete(run, { trace })), files };
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const values = (tensors: ReadonlyMap<string, HostTensor> | undefined): unknown =>
  [...(tensors ?? [])].map(([name, { data }]) => [name, Buffer.from(data.buffer).toString("base64")]);

describe("a traced run", () => {
  it("leaves the first step and the weights that were asked for, and ends there", async () => {
    const run = await tinyRun({ freeze: 130, epochs: 3 });
    const { files, events, outcome } = await traced(run, [0, 1, 3]);
    expect([...files.keys()]).toEqual([
      "weights-0.safetensors",
      STEP_FILE,
      "weights-1.safetensors",
      "weights-3.safetensors",
    ]);
    expect(events.filter(({ type }) => type === "step").length).toBe(3);
    expect(outcome.final.validation).toBeNull();
    expect(outcome.predictions.validation).toEqual([]);
    expect(values(files.get("weights-0.safetensors"))).toEqual(values(run.initial));
    const first = files.get(STEP_FILE);
    // Below layer 130 everything is frozen: convolutions with their padding, normalization and ReLU are one.
    const names = networkOf(run.plan)
      .layers.filter(({ op }, index, layers) => {
        const next = layers[index + 1]?.op.type;
        if (index >= 130) return true;
        if (op.type === "ZeroPadding2D" || op.type.endsWith("Conv2D")) return false;
        return op.type !== "BatchNormalization" || next !== "ReLU";
      })
      .map(({ name }) => name);
    expect([...(first?.keys() ?? [])].filter((name) => name.startsWith("activations/"))).toEqual(
      names.map((name) => `activations/${name}`),
    );
    const trained = [...(first?.keys() ?? [])].filter((name) => name.startsWith("gradients/"));
    expect(trained).toEqual(outcome.trace?.trained.map((name) => `gradients/${name}`));
    expect(trained.length).toBe(run.plan.phases[0]?.trainable.tensors);
    expect(first?.get("loss")?.data[0]).toBe(outcome.steps?.[0]?.loss);
  });

  it("trains as the same run does without a trace", async () => {
    const run = await tinyRun({ freeze: 130, epochs: 2, shuffle: true });
    const { files, outcome } = await traced(run, [4]);
    const plain = await complete(run);
    expect(values(files.get("weights-4.safetensors"))).toEqual(values(plain.weights));
    expect(outcome.digests).toEqual(plain.outcome.digests);
    expect(outcome.steps).toEqual(plain.outcome.steps);
  });

  it("names the pixels and labels of each step by their hashes", async () => {
    const run = await tinyRun({ epochs: 1 });
    const { outcome } = await traced(run, [2]);
    const { train } = run.plan.splits;
    const side = 32 * 32 * 3;
    const expected = [train.slice(0, 4), train.slice(4)].map((indices, index) => ({
      step: index + 1,
      images: sha256(Buffer.concat(indices.map((image) => run.pixels.subarray(image * side, (image + 1) * side)))),
      labels: sha256(new Uint8Array(Int32Array.from(indices, (image) => run.plan.dataset.labels[image] ?? 0).buffer)),
    }));
    expect(outcome.trace?.steps).toEqual(expected);
  });

  it("refuses to wait for a step that never comes", async () => {
    await expect(traced(await tinyRun({ epochs: 1 }), [5])).rejects.toMatchObject({ code: "trace-invalid" });
  });
});

describe("positions of a trace", () => {
  it("are all of a small tensor, and distinct ones of every channel of a large one", () => {
    expect([...tracePositions(3)]).toEqual([0, 1, 2]);
    const size = 96 * 2 ** 14;
    const positions = tracePositions(size);
    expect(new Set(positions).size).toBe(TRACED_VALUES);
    const perChannel = new Map<number, number>();
    for (const position of positions) perChannel.set(position % 96, (perChannel.get(position % 96) ?? 0) + 1);
    expect(Math.min(...perChannel.values())).toBeGreaterThan((TRACED_VALUES / 96) * 0.8);
    expect(Math.max(...perChannel.values())).toBeLessThan((TRACED_VALUES / 96) * 1.2);
  });
});
