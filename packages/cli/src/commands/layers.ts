import { readModelConfig } from "@thaw/assets";
import { buildNetwork, countedPositions, planPass, resolveFreeze, type Spec, stepCost } from "@thaw/core";
import Table from "cli-table3";
import { readSpecFile } from "../spec-file.ts";

function classCount(data: Spec["data"]): number {
  return data.kind === "tensors" ? data.classes.length : 2; // the head's width is not known before the images are read
}

/** `thaw layers SPEC`: the layer table, numbered as a freeze count counts, with what trains. What no count counts has no number. */
export async function layersCommand(specPath: string): Promise<void> {
  const file = await readSpecFile(specPath);
  const spec = file.kind === "spec" ? file.spec : file.sweep.experiment;
  const config = await readModelConfig(spec.model, { baseDir: file.baseDir, env: process.env });
  const network = buildNetwork(spec.model, classCount(spec.data), config);
  const positions = countedPositions(network.layers);
  const treatments = resolveFreeze(spec.freeze, network.base.layers, network.head, spec);
  const table = new Table({
    head: ["#", "layer", "type", "output", "weights", "MACs", "trains"],
    style: { head: [], border: [] },
  });
  for (const [index, layer] of network.layers.entries()) {
    const { trainable, lrMultiplier, batchNormMode, params } = treatments[index] ?? {};
    const rate = lrMultiplier === 1 || lrMultiplier === undefined ? "" : ` ×${lrMultiplier}`;
    const mode = batchNormMode === null || batchNormMode === undefined ? "" : ` (BN ${batchNormMode})`;
    const trains = layer.weights.length === 0 ? "" : `${trainable ? "yes" : "frozen"}${trainable ? rate : ""}${mode}`;
    const position = positions[index] ?? "";
    table.push([position, layer.name, layer.op.type, layer.outputShape.join("×"), params ?? 0, layer.macs, trains]);
  }
  const cost = stepCost(planPass(network.layers, treatments));
  const million = (macs: number): string => `${(macs / 1e6).toFixed(1)} M`;
  process.stdout.write(`${table.toString()}\n`);
  process.stdout.write(
    `MACs an image: frozen prefix ${million(cost.prefixMacs)}, forward ${million(cost.forwardMacs)}, backward ${million(cost.backwardMacs)}, step ${million(cost.stepMacs)}\n`,
  );
}
