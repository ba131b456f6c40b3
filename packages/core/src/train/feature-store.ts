/** Outputs of one image at the cut, one array a tensor. */
export type Features = readonly Float32Array[];

/** Where outputs of the frozen prefix are kept, by key. */
export interface FeatureStore {
  /** Whether a key's outputs are there, whole. */
  has(key: number): boolean;
  /** Whether there is no room for more. */
  isFull(): boolean;
  /** Reads what {@link has} says is there. @throws ThawError `cache-corrupt` */
  read(key: number): Promise<Features>;
  /** Keeps outputs, copied; does nothing when there is no room left. */
  write(key: number, features: Features): Promise<void>;
  /** Ends the run's use of it. */
  close(): Promise<void>;
}

/** Keeps outputs in memory, up to a number of images. */
export function memoryStore(keeps: number): FeatureStore {
  const entries = new Map<number, Features>();
  return {
    has: (key) => entries.has(key),
    isFull: () => entries.size >= keeps,
    read: async (key) => entries.get(key) ?? [],
    async write(key, features) {
      if (entries.size < keeps)
        entries.set(
          key,
          features.map((values) => values.slice()),
        );
    },
    async close() {
      entries.clear();
    },
  };
}
