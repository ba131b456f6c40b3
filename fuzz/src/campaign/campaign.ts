import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CaseVerdict } from "../judge/case-verdict.ts";
import type { Target } from "../target.ts";
import { type ChildLink, startChild } from "./child-link.ts";
import type { FromChild, Stretch } from "./messages.ts";

/** A case that shows a fault. */
export interface Finding {
  readonly target: string;
  readonly seed: number;
  /** Place of the case, and behind colons the way to a smaller one. */
  readonly path: string;
  /** hang, crash, no-code, foreign-code, wrong-result, pollution, allocation, … */
  readonly kind: string;
  readonly what: string;
  /** Folder with the input, where it was written out. */
  readonly folder: string | null;
}

/** What came of one target's cases. */
export interface TargetTally {
  readonly target: string;
  readonly cases: number;
  readonly accepted: number;
  /** Refusals by code. */
  readonly refused: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  readonly growthBytes: number;
  readonly findings: readonly Finding[];
}

export interface CampaignOptions {
  readonly seed: number;
  /** Where failing inputs are written to. */
  readonly outDir: string;
  /** A case that says nothing for so long hangs; more than making an input smaller takes. */
  readonly caseLimitMs: number;
  /** Place of the first case; for one case again. */
  readonly first?: number;
  /** URL of the module that has the targets, where it is another. */
  readonly targets?: string;
}

/** Ten times what the slowest case takes, and more than making an input smaller does. */
export const CASE_LIMIT_MS = 90_000;

const TARGETS = new URL("../targets/targets.ts", import.meta.url).href;

/** A child is replaced after so many cases: what libraries never give back must not count against a later case. */
const CASES_A_CHILD = 2000;

/** Divides cases among targets by their shares; each gets one at least. */
export function casesOf(
  targets: readonly Pick<Target, "name" | "share">[],
  cases: number,
): ReadonlyMap<string, number> {
  const whole = targets.reduce((sum, { share }) => sum + share, 0);
  return new Map(targets.map(({ name, share }) => [name, Math.max(1, Math.round((cases * share) / whole))]));
}

/** Runs cases in child processes, which are killed where a case hangs and replaced where it took them along. */
export class Campaign {
  readonly #options: CampaignOptions;
  #child: ChildLink | undefined;
  #casesOfChild = 0;

  constructor(options: CampaignOptions) {
    this.#options = options;
  }

  async #freshChild(): Promise<ChildLink> {
    if (this.#child !== undefined && this.#casesOfChild < CASES_A_CHILD) return this.#child;
    await this.close();
    this.#casesOfChild = 0;
    this.#child = await startChild(this.#options.targets ?? TARGETS);
    return this.#child;
  }

  /** Runs so many cases of a target. */
  async run(target: string, cases: number): Promise<TargetTally> {
    const { seed, first = 0 } = this.#options;
    const verdicts: CaseVerdict[] = [];
    const findings: Finding[] = [];
    for (let next = first; next < first + cases; ) {
      const child = await this.#freshChild();
      const count = Math.min(first + cases - next, CASES_A_CHILD - this.#casesOfChild);
      const stretch = { target, seed, first: next, count };
      const reached = await this.#stretch(child, stretch, verdicts, findings);
      this.#casesOfChild += reached - next;
      next = reached;
    }
    return tallyOf(target, cases, verdicts, findings);
  }

  /** @returns the place behind the last case that was tried */
  async #stretch(child: ChildLink, stretch: Stretch, verdicts: CaseVerdict[], findings: Finding[]): Promise<number> {
    let [begun, judged] = [stretch.first, stretch.first - 1];
    const pending = new Map<number, CaseVerdict>();
    const onMessage = (message: FromChild): void => {
      if (message.type === "begin") begun = message.index;
      if (message.type === "verdict") {
        judged = message.index;
        verdicts.push(message.verdict);
        if (message.verdict.status === "finding") pending.set(message.index, message.verdict);
      }
      if (message.type === "smallest") smallest.set(message.index, message);
    };
    const smallest = new Map<number, FromChild & { readonly type: "smallest" }>();
    const { caseLimitMs } = this.#options;
    const ending = await child.ask({ type: "run", stretch }, caseLimitMs, onMessage);
    for (const [index, verdict] of pending)
      findings.push(await this.#keep(stretch, index, verdict, smallest.get(index)));
    if (ending === "done") return stretch.first + stretch.count;
    const words = child.lastWords();
    this.#child = undefined;
    if (judged < begun) {
      const kind = ending === "silent" ? "hang" : "crash";
      const what = ending === "silent" ? `nothing was heard for ${caseLimitMs / 1000} s` : words;
      findings.push(await this.#lost({ ...stretch, first: begun, count: 1 }, kind, what));
    }
    return begun + 1;
  }

  async #keep(
    { target, seed }: Stretch,
    index: number,
    { code, what = "" }: CaseVerdict,
    smallest: (FromChild & { readonly type: "smallest" }) | undefined,
  ): Promise<Finding> {
    const finding = { target, seed, path: smallest?.path ?? String(index), kind: code, what };
    if (smallest === undefined) return { ...finding, folder: null };
    const folder = this.#folderOf(target, index);
    for (const [name, text] of Object.entries(smallest.files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), Buffer.from(text, "base64"));
    }
    return { ...finding, folder };
  }

  /** A case that nobody lived to tell of: another child writes its input. */
  async #lost(stretch: Stretch, kind: string, what: string): Promise<Finding> {
    const { target, seed, first } = stretch;
    const folder = this.#folderOf(target, first);
    await mkdir(folder, { recursive: true });
    const child = await this.#freshChild();
    await child.ask({ type: "write", stretch, folder }, this.#options.caseLimitMs, () => undefined);
    return { target, seed, path: String(first), kind, what, folder };
  }

  #folderOf(target: string, index: number): string {
    return join(this.#options.outDir, `${target}-${this.#options.seed}-${index}`);
  }

  async close(): Promise<void> {
    await this.#child?.close();
    this.#child = undefined;
  }
}

function tallyOf(
  target: string,
  cases: number,
  verdicts: readonly CaseVerdict[],
  findings: readonly Finding[],
): TargetTally {
  const refused: Record<string, number> = {};
  for (const { status, code } of verdicts) if (status === "refused") refused[code] = (refused[code] ?? 0) + 1;
  return {
    target,
    cases,
    accepted: verdicts.filter(({ status }) => status === "accepted").length,
    refused,
    slowestMs: verdicts.reduce((most, { ms }) => Math.max(most, ms), 0),
    growthBytes: verdicts.reduce((most, { growthBytes }) => Math.max(most, growthBytes), 0),
    findings,
  };
}
