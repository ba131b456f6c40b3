import { type EngineSettings, ThawError } from "@thaw/core";

/**
 * What a subject is measured for: `runner` is Thaw's own; a `baseline` may be missing; a `reference` is a baseline that
 * the others are divided by.
 */
export type SubjectRole = "runner" | "baseline" | "reference";

/** One thing that is measured: a runner with its settings. Plain data. */
export interface Subject {
  readonly name: string;
  /** A runner's name, or the path of a runner module. */
  readonly runner: string;
  readonly settings: EngineSettings;
  /** Whether it may keep frozen features from epoch to epoch; `none`: it is not asked. */
  readonly cache: "on" | "off" | "none";
  readonly role: SubjectRole;
}

/** Baselines that have a name; any other is the path of a runner module. */
const NAMED: Readonly<Record<string, Pick<Subject, "runner" | "settings">>> = {
  "keras-fit": { runner: "keras", settings: { loop: "fit" } },
  "keras-batch": { runner: "keras", settings: { loop: "train_on_batch" } },
};

/** The baseline that a word of `--baselines` stands for. */
export function baselineOf(word: string): Subject {
  const named = Object.hasOwn(NAMED, word) ? NAMED[word] : undefined;
  if (named !== undefined) return { name: word, ...named, cache: "none", role: "reference" };
  if (!/^[./]|\.[cm]?[jt]s$/.test(word)) {
    throw new ThawError("option-invalid", `--baselines: there is no baseline "${word}".`, {
      hint: `Give ${Object.keys(NAMED).join(", ")}, or the path of a runner module such as ./stock.ts.`,
    });
  }
  return { name: word, runner: word, settings: {}, cache: "none", role: "baseline" };
}

/** The subjects that a runner asked for with `--runners` gives: one for each wanted state of the cache. */
export function subjectsOf(runner: string, caches: readonly Subject["cache"][]): readonly Subject[] {
  return caches.map((cache) => ({
    name: caches.length > 1 && cache === "off" ? `${runner}, no cache` : runner,
    runner,
    settings: {},
    cache,
    role: "runner",
  }));
}
