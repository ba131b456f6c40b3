import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import type { Runner } from "@thaw/core";
import { contractPlan, describeRunner } from "@thaw/core/contract";
import { describe, expect, it } from "vitest";
import { createRunner } from "../src/index.ts";
import { coreRun } from "./core-run.ts";

/** `jax`, `torch`, or both with a comma: backends that a Python named by THAW_KERAS_PYTHON has. */
const ASKED_FOR = (process.env.THAW_TEST_KERAS_BACKENDS ?? "").split(",").filter((name) => name !== "");
const OTHERS = ["jax", "torch"];

/** The runner, on another library than by default. */
function runnerOn(backend: string): Runner {
  const runner = createRunner("keras");
  return {
    ...runner,
    probe: (settings = {}) => runner.probe({ backend, ...settings }),
    run: (plan, options) => runner.run(plan, { ...options, settings: { backend, ...options.settings } }),
  };
}

/** Float32 beside core's float64, with what trains near the end of the network. */
const LOSS_ERROR = 1e-4;

describe.each(OTHERS)("Keras on %s", (backend) => {
  if (!ASKED_FOR.includes(backend)) {
    it.skip("does what core does (needs THAW_TEST_KERAS_BACKENDS)", () => undefined);
    return;
  }
  const store = openStore(mkdtempSync(join(tmpdir(), "thaw-")));
  describeRunner(runnerOn(backend), store, { describe, it, expect });

  it("comes to the losses of core", { timeout: 300_000 }, async () => {
    const plan = await contractPlan(store, { freeze: "Conv_1", epochs: 1 });
    const { outcome } = await coreRun(plan, store.folder);
    const losses: number[] = [];
    for await (const event of runnerOn(backend).run(plan, { storeDir: store.folder, settings: {} })) {
      if (event.type === "step") losses.push(event.loss);
    }
    const expected = outcome.steps?.map(({ loss }) => loss) ?? [];
    expect(losses).toHaveLength(expected.length);
    for (const [index, loss] of expected.entries()) {
      expect(Math.abs((losses[index] ?? Number.NaN) - loss) / loss).toBeLessThan(LOSS_ERROR);
    }
  });
});
