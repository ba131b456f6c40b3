import { serializeError } from "../error.ts";
import type { TestFunctions } from "./contract.ts";
import type { OpSuite, OpVerdict } from "./ops.ts";
import type { Runner } from "./runner.ts";

/** The part of a runner's contract that is about single operations (rung L1), for runners that let them be judged. */
export function testOps(
  runner: Runner,
  test: (name: string, body: () => Promise<void>) => void,
  expect: TestFunctions["expect"],
): void {
  const { opSuites = [] } = runner;
  const checkOps = runner.checkOps?.bind(runner);
  if (checkOps === undefined) return;

  if (opSuites.includes("kernels")) {
    test("agrees with float64 in every kernel, and says so case by case", async () => {
      const verdicts: OpVerdict[] = [];
      for await (const verdict of checkOps("kernels", { settings: {} })) verdicts.push(verdict);
      expect(verdicts.filter(({ problems, worst }) => problems.length > 0 || !(worst <= 1))).toEqual([]);
      expect(verdicts.length).toBeGreaterThan(400);
      expect(new Set(verdicts.map(({ op, name }) => `${op} ${name}`)).size).toBe(verdicts.length);
    });
  }

  test("refuses a suite that it does not have", async () => {
    let code = "no error";
    try {
      for await (const verdict of checkOps("no-such-suite" as OpSuite, { settings: {} })) expect(verdict).toBe(null);
    } catch (error) {
      ({ code } = serializeError(error));
    }
    expect(code).toBe("suite-unknown");
  });
}
