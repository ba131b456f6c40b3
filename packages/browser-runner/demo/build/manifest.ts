/** Weights that a built page brings along. */
export interface ShippedWeights {
  /** Below the page's folder `weights`. */
  readonly file: string;
  /** What a visitor reads. */
  readonly label: string;
  /** Where they come from: id or file name. */
  readonly source: string;
  readonly alpha: number;
  readonly sha256: string;
  readonly bytes: number;
}

/** Photos that a built page brings along, for visitors who have none at hand. */
export interface ShippedExamples {
  /** Whose they are; shown with them. */
  readonly credit: string;
  /** Classes with their photos, below the page's folder `examples`. */
  readonly classes: readonly { readonly name: string; readonly files: readonly string[] }[];
}

/** What a built page finds beside itself as `manifest.json`. */
export interface DemoManifest {
  readonly weights: readonly ShippedWeights[];
  readonly examples: ShippedExamples | null;
}
