import { environmentOf, loadEngine, nodeSettings, tensorflowKernels } from "@thaw/node-runner/internals";
import { blobReader, compareGolden } from "./golden-comparison.ts";
import { readGolden } from "./golden-file.ts";

// Prints the golden table of the node runner: THAW_ASSETS=… npm run golden -- [true|false for oneDNN]

const settings = nodeSettings({ oneDnn: process.argv[2] !== "false" });
const loaded = loadEngine(settings);
const golden = await readGolden();
const e = (value: number): string => value.toExponential(1);
for (const depth of [0, 50, 100, 154]) {
  const row = await compareGolden(
    golden,
    depth,
    (kernels, storeDir) => ({
      kernels,
      environment: environmentOf(loaded, settings),
      now: () => performance.now(),
      synchronize: async () => undefined,
      peakRssBytes: () => null,
      readBlob: blobReader(storeDir),
    }),
    tensorflowKernels(loaded.tf, loaded.backend),
  );
  process.stdout.write(
    `| ${depth} | ${row.trainable.tensors} / ${row.trainable.params} | ${row.lossErrors.map(e).join(" ")} | ${e(row.gradient.error)} ${row.gradient.name} (${row.gradient.tensors} tensors; zero ones ≤ ${e(row.zeroGradientNorm)}) | ${e(row.activation.error)} ${row.activation.layer} | ${e(row.probabilityError)} | ${e(row.statisticsError)} | ${row.frozen.tensors} ${row.frozen.before === row.frozen.after ? "equal" : "MOVED"} |\n`,
  );
}
