/** Which libtensorflow: PyPI's CPU or CUDA build, or the user's own (`LIBTENSORFLOW_DIR`). */
export type NativeVariant = "cpu" | "cuda" | "local";

/** What set-up writes beside an addon that it has built (`manifest.json`; written by scripts/native/install.mjs). */
export interface NativeManifest {
  readonly schema: 1;
  /** Names the build: libtensorflow's version, variant, Node-API version, and a hash of all that went in. */
  readonly key: string;
  /** As the library itself says, such as "2.21.0". */
  readonly tfVersion: string;
  readonly variant: NativeVariant;
  /** Node's names, such as "linux-x64". */
  readonly platform: string;
  readonly wheels: readonly { readonly file: string; readonly sha256: string }[];
  /** Relative to the build's folder, or absolute for the variant "local". */
  readonly libraryFolder: string;
  readonly libtensorflowDir: string | null;
  /** The compiler's own version line. */
  readonly compiler: string;
  /** The npm package whose sources were compiled, with its version. */
  readonly package: string;
  /** sha256 of each source by its path inside that package. */
  readonly sources: Readonly<Record<string, string>>;
  readonly addon: string;
  /** Every file that the addon needs, with its size. Paths as in `libraryFolder`. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** ISO 8601. */
  readonly builtAt: string;
}
