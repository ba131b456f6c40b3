import { defineConfig, type ViteUserConfig } from "vitest/config";

/** The vitest settings that all packages share: run from source, write the report that `npm test` counts. */
export function packageTests(overrides: NonNullable<ViteUserConfig["test"]> = {}): ViteUserConfig {
  return defineConfig({
    resolve: { conditions: ["source"] },
    ssr: { resolve: { conditions: ["source"], externalConditions: ["source"] } },
    test: {
      include: ["test/**/*.test.ts"],
      reporters: ["default", "json"],
      outputFile: { json: ".vitest/results.json" },
      testTimeout: 60_000,
      hookTimeout: 120_000,
      maxWorkers: 2,
      ...overrides,
    },
  });
}
