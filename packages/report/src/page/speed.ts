/** How fast one subject was at one depth and batch size. */
export interface SpeedPoint {
  /** Runner or baseline. */
  readonly subject: string;
  readonly device: string;
  /** Freeze policy as a short word. */
  readonly depth: string;
  readonly batchSize: number;
  /** Median, lowest and highest of its samples. */
  readonly imagesPerSecond: { readonly median: number; readonly low: number; readonly high: number };
  readonly samples: number;
  /** What the subject reaches of the machine's roofs, 0…1; null where that cannot be said. */
  readonly ofRoofs: { readonly matmul: number; readonly copy: number } | null;
}

/** What the machine could do at most if every layer were computed, images a second. */
export interface SpeedRoof {
  readonly depth: string;
  readonly batchSize: number;
  readonly matmul: number;
  readonly copy: number;
}

/** Speeds that were measured beside each other. */
export interface SpeedRecording {
  /** What a person reads: where it comes from, the machine, how many samples. */
  readonly title: string;
  readonly points: readonly SpeedPoint[];
  readonly roofs: readonly SpeedRoof[];
  /** What is missing or spoils the figures, a sentence each. */
  readonly notes: readonly string[];
}
