import { type Plan, passOf, type RunEvent, type RunOptions, ThawError } from "@thaw/core";
import type { Sample } from "./bench-report.ts";
import type { Subject } from "./subject.ts";
import { forwardBytes } from "./workload.ts";

/** The part of a run's options that says whether frozen features are kept. */
export function cacheState(cache: Subject["cache"]): Pick<RunOptions, "cache"> {
  return cache === "off" ? { cache: { memoryBytes: 0, diskBytes: 0 } } : {};
}

/**
 * What a run says that it keeps.
 * @throws ThawError `cache-ignored` where it was told not to: its figures would stand under a wrong name
 */
export function keptBy(
  { name, cache }: Subject,
  plan: Plan,
  event: Extract<RunEvent, { type: "cache" }>,
): NonNullable<Sample["cache"]> {
  const { where, layer, cut, bytesPerImage, keeps, images, savedMacs } = event;
  if (cache === "off" && where !== "nowhere") {
    throw new ThawError("cache-ignored", `"${name}" keeps frozen features though it was told not to.`, {
      hint: "This is a fault of the runner: it does not hand RunOptions.cache to the training loop.",
    });
  }
  const [phase] = plan.phases;
  const share = keeps / images;
  const below = phase === undefined ? [] : passOf(plan, phase).slice(0, cut);
  return {
    where,
    layer,
    keptBytes: bytesPerImage * keeps,
    savedMacs: share * savedMacs,
    savedBytes: share * forwardBytes(below),
  };
}
