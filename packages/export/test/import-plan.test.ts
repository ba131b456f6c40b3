import { describe, expect, it } from "vitest";
import { exportedNetwork } from "../src/exported-network.ts";
import { planImport } from "../src/import/import-plan.ts";
import { kerasLayer } from "../src/keras/layer-configs.ts";
import { tinyModel } from "./tiny-model.ts";

interface Written {
  name: string;
  class_name: string;
  config: Record<string, unknown>;
  inbound_nodes: unknown[];
}

/** A flat model in the words of Keras 2: `[["name", 0, 0, {}]]`. */
async function flatModel(change: (layers: Written[]) => unknown = () => undefined): Promise<unknown> {
  const { layers } = exportedNetwork(await tinyModel(), false);
  const written = layers.map((layer): Written => {
    const { name, op, inputs, outputShape } = layer;
    if (op.type === "InputLayer") {
      return {
        name,
        class_name: op.type,
        config: { name, batch_input_shape: [null, ...outputShape] },
        inbound_nodes: [],
      };
    }
    const { className, config } = kerasLayer(layer);
    const axis = className === "BatchNormalization" ? { axis: [3] } : {};
    return {
      name,
      class_name: className,
      config: { ...config, ...axis },
      inbound_nodes: [inputs.map((input) => [input, 0, 0, {}])],
    };
  });
  change(written);
  return { class_name: "Functional", config: { layers: written } };
}

const find = (layers: Written[], name: string): Written => {
  const layer = layers.find((candidate) => candidate.name === name);
  if (layer === undefined) throw new Error(`There is no ${name}.`);
  return layer;
};

/** `preprocess_input` as Keras 2 writes it behind the input. */
function putOperations(layers: Written[], divisor: number): Written[] {
  const operation = (name: string, input: string, y: number): Written => ({
    name,
    class_name: "TFOpLambda",
    config: { name, function: name.replace("tf.", "") },
    inbound_nodes: [[input, 0, 0, { y, name: null }]],
  });
  layers.splice(
    1,
    0,
    operation("tf.math.truediv", "input_layer", divisor),
    operation("tf.math.subtract", "tf.math.truediv", 1),
  );
  return layers;
}

describe("the plan of an import", () => {
  it("reads base, size, dropout and head from the words of Keras 2", async () => {
    const { model, leftOut } = planImport(await flatModel(), "m.h5", 3);
    expect(model).toMatchObject({ alpha: 0.35, imageSize: 32, weights: "m.h5", head: { name: "head", dropout: 0.2 } });
    expect(leftOut).toEqual([expect.stringContaining("no scaling is in the file")]);
  });

  it("knows preprocess_input in the words of Keras 2", async () => {
    const { leftOut } = planImport(await flatModel((layers) => putOperations(layers, 127.5)), "m.h5", 3);
    expect(leftOut).toEqual(["tf.math.truediv, tf.math.subtract: pixel / 127.5 - 1, which Thaw does itself"]);
  });

  it.each<[string, (layers: Written[]) => unknown, RegExp]>([
    ["another scaling", (layers) => putOperations(layers, 255), /scale pixels otherwise/],
    ["half a scaling", (layers) => putOperations(layers, 127.5).splice(2, 1), /scale pixels otherwise/],
    [
      "another stride",
      (layers) => (find(layers, "block_3_depthwise").config.strides = [1, 1]),
      /"block_3_depthwise" has strides \[1,1\], expected \[2,2\]/,
    ],
    ["another epsilon", (layers) => (find(layers, "bn_Conv1").config.epsilon = 1e-5), /"bn_Conv1" has epsilon 0.00001/],
    [
      "another bound of a ReLU",
      (layers) => (find(layers, "Conv1_relu").config.max_value = null),
      /"Conv1_relu" has max_value null/,
    ],
    [
      "another padding",
      (layers) =>
        (find(layers, "block_1_pad").config.padding = [
          [1, 0],
          [1, 0],
        ]),
      /"block_1_pad" has padding/,
    ],
    [
      "another connection",
      (layers) => (find(layers, "block_2_expand").inbound_nodes = [[["Conv1_relu", 0, 0, {}]]]),
      /"block_2_expand" reads Conv1_relu, expected block_1_project_BN/,
    ],
    [
      "a missing layer",
      (layers) => void layers.splice(layers.indexOf(find(layers, "block_16_project_BN")), 1),
      /no layer "block_16_project_BN"/,
    ],
    ["another head", (layers) => (find(layers, "head").config.activation = "sigmoid"), /activation "sigmoid"/],
    ["channels first", (layers) => (find(layers, "Conv1").config.data_format = "channels_first"), /"channels_first"/],
    [
      "no pooling",
      (layers) => void layers.splice(layers.indexOf(find(layers, "global_average_pooling2d")), 1),
      /averages over pixels 0 times/,
    ],
  ])("refuses %s, by name", async (_, change, message) => {
    const model = await flatModel(change);
    expect(() => planImport(model, "m.h5", 3)).toThrow(message);
  });

  it("refuses what is no model at all", () => {
    expect(() => planImport({ class_name: "Functional" }, "m.h5", 3)).toThrow(/says nowhere how large its images are/);
    expect(() => planImport(null, "m.h5", 3)).toThrow(/says nowhere/);
  });
});
