import { FORMATS, parseSpec, type Result, rangeRunShape, type resultOfPlan, ThawError, upgraded } from "@thaw/core";
import { z } from "zod";
import type { RangeRun } from "./range-test.ts";

/** A finished range test: a JSON file, written once, that says of the run what any result says. */
export interface RateSearch
  extends Pick<Result, "cell" | "thawVersion" | "runner" | "finishedAt">,
    ReturnType<typeof resultOfPlan>,
    RangeRun {
  readonly version: typeof FORMATS.rangeTest.version;
  readonly kind: "find-lr";
}

/** {@link RateSearch} without its spec. */
export const rangeTestShape: z.ZodType = rangeRunShape.extend({
  version: z.literal(FORMATS.rangeTest.version),
  kind: z.literal("find-lr"),
  steps: z.array(z.object({ step: z.number(), learningRate: z.number(), loss: z.number() })),
  ended: z.discriminatedUnion("how", [
    z.object({ how: z.enum(["all-steps", "loss-exploded"]) }),
    z.object({ how: z.literal("non-finite"), message: z.string() }),
  ]),
});

/**
 * Checks a range test, and makes one of today of an older one.
 * @throws ThawError `result-unreadable`, `version-newer`, `spec-invalid`
 */
export function parseRateSearch(document: unknown, where: string): RateSearch {
  const current = upgraded(FORMATS.rangeTest, document, where);
  if (!rangeTestShape.safeParse(current).success) {
    throw new ThawError("result-unreadable", `${where} is no range test.`);
  }
  const search = current as RateSearch;
  return { ...search, spec: parseSpec(search.spec, { where: `${where}, spec` }) };
}
