import { type Layer, tableBuilder } from "@thaw/core";

/** The network whose weights the corpus holds, as `packages/assets/scripts/make_weight_fixtures.py` builds it. */
export function tinyLayers(): readonly Layer[] {
  const table = tableBuilder();
  const norm = (name: string, input: string): string => table.batchNorm(name, input, 1e-3, 0.999);
  let x = table.input("input_layer", [8, 8, 3]);
  x = table.conv2d("Conv1", x, 4, { kernelSize: 3, strides: 2, padding: "same" });
  const shortcut = table.relu("Conv1_relu", norm("bn_Conv1", x), 6);
  x = table.conv2d("block_1_expand", shortcut, 8, { kernelSize: 1, strides: 1, padding: "same" });
  x = table.relu("block_1_expand_relu", norm("block_1_expand_BN", x), 6);
  x = table.depthwiseConv2d("block_1_depthwise", x, { kernelSize: 3, strides: 1, padding: "same" });
  x = table.relu("block_1_depthwise_relu", norm("block_1_depthwise_BN", x), 6);
  x = table.conv2d("block_1_project", x, 4, { kernelSize: 1, strides: 1, padding: "same" });
  table.add("block_1_add", shortcut, norm("block_1_project_BN", x));
  return table.layers;
}
