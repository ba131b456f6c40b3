import type { CaseVerdict } from "../judge/case-verdict.ts";

/** A run of cases of one target: those from `first` on that the seed makes. */
export interface Stretch {
  readonly target: string;
  readonly seed: number;
  readonly first: number;
  readonly count: number;
}

/** What the campaign asks of its child. */
export type ToChild =
  | { readonly type: "run"; readonly stretch: Stretch }
  /** Makes the input of one case without reading it: the case that took the last child along. */
  | { readonly type: "write"; readonly stretch: Stretch; readonly folder: string };

/** What the child says. */
export type FromChild =
  | { readonly type: "ready" }
  | { readonly type: "begin"; readonly index: number }
  | { readonly type: "verdict"; readonly index: number; readonly verdict: CaseVerdict }
  /** The smallest input that shows the same, as a path below the seed, and its files. */
  | {
      readonly type: "smallest";
      readonly index: number;
      readonly path: string;
      readonly files: Readonly<Record<string, string>>;
    }
  | { readonly type: "written" }
  | { readonly type: "done" };
