import { z } from "zod";
import { clipped, shownValue } from "../clipped.ts";
import { ThawError } from "../error.ts";
import { KERAS_FIELDS, type KerasFields, SUPPORTED_LAYERS, type SupportedClass } from "./keras-fields.ts";
import type { GraphNode } from "./keras-graph.ts";
import type { Activation, Padding } from "./layer.ts";
import type { TableBuilder } from "./table-builder.ts";

/** Where a layer comes from. */
export interface KerasSource {
  /** What messages call the configuration. */
  readonly where: string;
  readonly isKeras2: boolean;
}

function unsupported({ name, className }: GraphNode, { where }: KerasSource, what: string, hint: string): never {
  throw new ThawError("model-unsupported", `${where}: layer "${clipped(name)}" (${clipped(className)}) ${what}.`, {
    hint,
  });
}

/** The fields of a layer, checked. */
function fieldsOf<C extends SupportedClass>(node: GraphNode, className: C, source: KerasSource): KerasFields<C> {
  const parsed = KERAS_FIELDS[className].safeParse(node.config);
  if (parsed.success) return parsed.data as KerasFields<C>;
  const [issue] = parsed.error.issues;
  const [field = ""] = issue?.path ?? [];
  const found = shownValue(node.config[String(field)] ?? null);
  return unsupported(node, source, `has ${String(field)} ${found}`, `${issue?.message ?? "It is not supported"}.`);
}

/** What changes the loss, the weights or the numbers and is not done here. */
function checkExtras(node: GraphNode, source: KerasSource): void {
  for (const [key, value] of Object.entries(node.config)) {
    if (/_(regularizer|constraint)$/.test(key) && value !== null) {
      unsupported(node, source, `has a ${key}`, "Save the model without it: the loss is the cross-entropy alone.");
    }
  }
  const { dtype } = node.config;
  const policy = z.object({ config: z.object({ name: z.string() }) }).safeParse(dtype);
  const type = policy.success ? policy.data.config.name : (dtype ?? "float32");
  if (type !== "float32")
    unsupported(
      node,
      source,
      `computes in ${typeof type === "string" ? clipped(type) : shownValue(type)}`,
      "Build the model with floats of 32 bits.",
    );
}

function checkInputs(table: TableBuilder, node: GraphNode, source: KerasSource, wanted: readonly number[]): void {
  const { inputs, constants } = node;
  if (inputs.length !== wanted.length || constants.length > 0) {
    const found = `has ${inputs.length} tensors and ${constants.length} numbers as inputs`;
    unsupported(
      node,
      source,
      found,
      `Supported ${wanted.length === 1 ? "is one tensor" : "are two tensors, or a tensor and a number"}.`,
    );
  }
  for (const [index, rank] of wanted.entries()) {
    const shape = table.shapeOf(inputs[index] ?? "");
    if (rank > 0 && shape.length !== rank) {
      unsupported(
        node,
        source,
        `reads a tensor of shape ${shape.join("×")}`,
        "Supported are images: height, width, channels.",
      );
    }
  }
}

/** Lists of numbers have one for each channel. */
function checkChannels(
  table: TableBuilder,
  node: GraphNode,
  source: KerasSource,
  fields: Readonly<Record<string, number | readonly number[] | null | undefined>>,
): void {
  const channels = table.shapeOf(node.inputs[0] ?? "")[2] ?? 0;
  for (const [field, value] of Object.entries(fields)) {
    if (value === null || value === undefined || typeof value === "number" || value.length === channels) continue;
    const found = `has ${value.length} numbers as ${field}, for ${channels} channels`;
    unsupported(node, source, found, "Supported are one number, or one for each channel.");
  }
}

function paddingOf([rows, columns]: readonly [readonly [number, number], readonly [number, number]]): Padding {
  return [rows, columns];
}

/** `-1` stands for what is left, once. */
function reshaped(shape: readonly number[], target: readonly number[]): readonly number[] | undefined {
  if (target.filter((side) => side === -1).length > 1) return undefined;
  const size = shape.reduce((product, side) => product * side, 1);
  const known = target.reduce((product, side) => (side === -1 ? product : product * side), 1);
  const filled = target.map((side) => (side === -1 ? size / known : side));
  return filled.reduce((product, side) => product * side, 1) === size ? filled : undefined;
}

/** Adds or multiplies two tensors, or a tensor and a number. */
function addJoin(table: TableBuilder, node: GraphNode, className: "Add" | "Multiply", source: KerasSource): void {
  const { name, inputs, constants, isOperation } = node;
  const [first = "", second = ""] = inputs;
  const [constant] = constants;
  if (isOperation && inputs.length === 1 && constants.length === 1 && constant !== undefined) {
    if (table.shapeOf(first).length !== 3) unsupported(node, source, "reads no image", "Supported are images.");
    if (className === "Add") table.rescaling(name, first, 1, constant);
    else table.rescaling(name, first, constant, 0);
    table.markOperation();
    return;
  }
  checkInputs(table, node, source, [0, 0]);
  const [a, b] = [table.shapeOf(first), table.shapeOf(second)];
  const equal = a.join() === b.join();
  const isFactor = (factor: readonly number[], image: readonly number[]): boolean =>
    factor.join() === [1, 1, image[2]].join();
  if (!equal && (className === "Add" || !(isFactor(a, b) || isFactor(b, a)))) {
    const also = className === "Multiply" ? ", and an image with a factor for each channel (1×1×channels)" : "";
    unsupported(node, source, `joins ${a.join("×")} and ${b.join("×")}`, `Supported are equal shapes${also}.`);
  }
  if (className === "Add") table.add(name, first, second);
  else table.multiply(name, first, second);
  if (isOperation) table.markOperation();
}

/**
 * Adds the row of one configured layer to a table.
 * @throws ThawError `model-unsupported` that names the layer, its class and what is supported
 */
export function addKerasLayer(table: TableBuilder, node: GraphNode, source: KerasSource): void {
  const { name, className, inputs, isOperation } = node;
  if (!Object.hasOwn(KERAS_FIELDS, className) || (isOperation && className !== "Add" && className !== "Multiply")) {
    unsupported(
      node,
      source,
      isOperation ? "is no layer" : "is not supported",
      `Supported are ${SUPPORTED_LAYERS.join(", ")}.`,
    );
  }
  const supported = className as SupportedClass;
  if (supported === "Add" || supported === "Multiply") {
    if (!isOperation) checkExtras(node, source);
    addJoin(table, node, supported, source);
    return;
  }
  checkExtras(node, source);
  const isImageLayer = !["Activation", "ReLU", "Dropout", "Reshape"].includes(supported);
  checkInputs(table, node, source, [isImageLayer ? 3 : 0]);
  const [x = ""] = inputs;
  const curved = (value: Activation): Activation => {
    if (value !== "hard_sigmoid" || !source.isKeras2) return value;
    return unsupported(
      node,
      source,
      "has Keras 2's hard_sigmoid",
      "Keras 3 has another function of that name; save the model with Keras 3.",
    );
  };
  switch (supported) {
    case "ZeroPadding2D":
      table.zeroPad(name, x, paddingOf(fieldsOf(node, supported, source).padding));
      return;
    case "Conv2D":
    case "DepthwiseConv2D": {
      const fields = fieldsOf(node, supported, source);
      const options = {
        kernelSize: fields.kernel_size,
        strides: fields.strides,
        padding: fields.padding,
        useBias: fields.use_bias,
        activation: curved(fields.activation),
      };
      if ("filters" in fields) table.conv2d(name, x, fields.filters, options);
      else table.depthwiseConv2d(name, x, options);
      return;
    }
    case "BatchNormalization": {
      const { epsilon, momentum } = fieldsOf(node, supported, source);
      table.batchNorm(name, x, epsilon, momentum);
      return;
    }
    case "ReLU":
      table.relu(name, x, fieldsOf(node, supported, source).max_value ?? null);
      return;
    case "Activation":
      table.activation(name, x, curved(fieldsOf(node, supported, source).activation));
      return;
    case "MaxPooling2D": {
      const { pool_size: kernelSize, strides, padding } = fieldsOf(node, supported, source);
      if (strides == null && kernelSize[0] !== kernelSize[1]) {
        unsupported(
          node,
          source,
          `has pool_size ${JSON.stringify(kernelSize)} and no strides`,
          "Supported are equal strides.",
        );
      }
      table.maxPool(name, x, { kernelSize, strides: strides ?? kernelSize[0], padding });
      return;
    }
    case "GlobalAveragePooling2D":
      table.globalAveragePool(name, x, { keepDims: fieldsOf(node, supported, source).keepdims });
      return;
    case "Reshape": {
      const { target_shape: target } = fieldsOf(node, supported, source);
      const shape = reshaped(table.shapeOf(x), target);
      if (shape === undefined) {
        unsupported(
          node,
          source,
          `makes ${clipped(target.join("×"))} of ${table.shapeOf(x).join("×")}`,
          "The sizes differ.",
        );
      }
      table.reshape(name, x, shape);
      return;
    }
    case "Dropout": {
      const { rate, noise_shape: noise } = fieldsOf(node, supported, source);
      table.dropout(name, x, rate, { perImage: noise != null });
      return;
    }
    case "Rescaling": {
      const { scale, offset } = fieldsOf(node, supported, source);
      checkChannels(table, node, source, { scale, offset });
      table.rescaling(name, x, scale, offset);
      return;
    }
    case "Normalization": {
      const { mean, variance } = fieldsOf(node, supported, source);
      checkChannels(table, node, source, { mean, variance });
      const channels = table.shapeOf(x)[2] ?? 0;
      const perChannel = (value: number | readonly number[]): readonly number[] =>
        typeof value === "number" ? new Array<number>(channels).fill(value) : value;
      const given =
        mean == null || variance == null ? undefined : { mean: perChannel(mean), variance: perChannel(variance) };
      table.normalization(name, x, given);
      return;
    }
  }
}
