import { beforeAll, describe, expect, it } from "vitest";
import { type FaultBench, openFaultBench } from "../src/planted-faults/fault-bench.ts";
import { judgeKernelFault, KERNEL_FAULTS, lowestBroken, RUN_FAULTS } from "../src/planted-faults/faults.ts";

const KERAS_MS = 600_000;

describe.skipIf(process.env.THAW_ASSETS === undefined)("planted faults (needs THAW_ASSETS)", () => {
  let bench: FaultBench;

  beforeAll(async () => {
    bench = await openFaultBench();
  }, KERAS_MS);

  it("finds nothing where no fault is planted", async () => {
    const results = await bench.judgeHealthy();
    expect(results.map(({ rung, status }) => [rung, status])).toEqual([
      ["L0", "pass"],
      ["L2", "pass"],
      ["L3", "pass"],
      ["L4", "pass"],
    ]);
  });

  it.each(KERNEL_FAULTS.map((fault) => [fault.name, fault] as const))("L1 catches: %s", async (_, fault) => {
    const { broken, cases } = await judgeKernelFault(fault, bench);
    expect(cases).toBeGreaterThan(0);
    expect(broken).toBeGreaterThan(0);
  });

  it.each(RUN_FAULTS.map((fault) => [fault.rung, fault.name, fault] as const))(
    "%s catches: %s",
    async (rung, _, fault) => {
      expect(lowestBroken(await bench.judge(fault)).rung).toBe(rung);
    },
  );
});
