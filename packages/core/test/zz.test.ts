import { it } from "vitest";
import { complete, tinyRun } from "./tiny-run.ts";
it("x", async () => {
  for (const [fields, options] of [
   [{ epochs: 8, freeze: 155, optimizer: { name: "adam", learningRate: 0.1 } }, { fresh: true }],
   [{ epochs: 8, freeze: 155, optimizer: { name: "adam", learningRate: 1 } }, { fresh: true }],
   [{ epochs: 8, freeze: 143, batchSize: 6, optimizer: { name: "adam", learningRate: 0.01 } }, {}],
   [{ epochs: 8, freeze: 155, batchSize: 6, frozenBatchNorm: "batch-stats", optimizer: { name: "adam", learningRate: 0.01 } }, {}],
   [{ epochs: 8, freeze: 155, batchSize: 6, frozenBatchNorm: "batch-stats", optimizer: { name: "adam", learningRate: 0.01 } }, {fresh:true}],
  ] as const) {
    const t = performance.now();
    const r = await complete(await tinyRun(fields as never, options));
    console.log(JSON.stringify(fields), Math.round(performance.now() - t), r.outcome.epochs.map(e => e.train.accuracy.toFixed(2) + "/" + e.train.loss.toFixed(2)).join(" "), r.outcome.underTrained);
  }
}, 100000);
