import { FORMATS, parseSpec, type Spec, ThawError } from "@thaw/core";
import { matchBase } from "./base-match.ts";
import { type FileLayer, fileLayers } from "./file-layer.ts";

/** What a Keras model is in Thaw's words. */
export interface ImportPlan {
  readonly model: Spec["model"];
  /** Layers that are not taken over, each with why. */
  readonly leftOut: readonly string[];
  /** Patterns of tensors that may lie in the file without being wanted. */
  readonly ignore: readonly string[];
}

const HINT =
  "Thaw imports MobileNetV2 with average pooling, dropout and one softmax layer, nested or flat, made with Keras's own layers.";

function refuse(where: string, problem: string, hint = HINT): ThawError {
  return new ThawError("import-unsupported", `${where}: ${problem}.`, { hint, details: { file: where } });
}

/** Whether two numbers are the same but for what a file's float32 loses. */
function near(value: unknown, expected: number): boolean {
  return typeof value === "number" && Math.abs(value - expected) <= 1e-6;
}

const isNumber = (value: unknown, expected: number): boolean => [value].flat(2).every((part) => near(part, expected));

/** Steps of `preprocess_input`: a layer, or in Keras 2 the operation that a layer wraps. */
function operation({ className, config }: FileLayer): string {
  return className === "TFOpLambda" || className === "SlicingOpLambda" ? String(config.function) : className;
}

/** A step of scaling pixels: all of it, or one of the two that `preprocess_input` takes. */
type ScalingStep = "whole" | "divide" | "subtract" | "other";

/** Which step of scaling a layer is; undefined for a layer that scales nothing. */
function scalingStep(layer: FileLayer): ScalingStep | undefined {
  const { config, numbers } = layer;
  switch (operation(layer)) {
    case "Rescaling":
      return near(config.scale, 1 / 127.5) && isNumber(config.offset, -1) ? "whole" : "other";
    case "TrueDivide":
    case "math.truediv":
      return numbers.includes(127.5) ? "divide" : "other";
    case "Subtract":
    case "math.subtract":
      return numbers.includes(1) ? "subtract" : "other";
    default:
      return undefined;
  }
}

const SCALINGS = ["", "whole", "divide,subtract"];

/** What is said of the scaling that a file has. @throws ThawError `import-unsupported` for any but MobileNetV2's own */
function scalingNote(steps: readonly (readonly [string, ScalingStep])[], where: string): string {
  const names = steps.map(([name]) => name).join(", ");
  if (!SCALINGS.includes(steps.map(([, step]) => step).join())) {
    throw refuse(where, `its layers ${names} scale pixels otherwise than pixel / 127.5 - 1`);
  }
  return names === ""
    ? "no scaling is in the file: pixel / 127.5 - 1 is taken to go in, as preprocess_input has it"
    : `${names}: pixel / 127.5 - 1, which Thaw does itself`;
}

function inputSize(layers: readonly FileLayer[], where: string): number {
  for (const { config } of layers) {
    const shape = config.batch_shape ?? config.batch_input_shape;
    if (!Array.isArray(shape)) continue;
    const [, height, width, channels] = shape as readonly unknown[];
    if (typeof height === "number" && height === width && channels === 3) return height;
    throw refuse(where, `its input is ${JSON.stringify(shape)}`, "Thaw's networks take square images of a fixed size.");
  }
  throw refuse(where, "it says nowhere how large its images are");
}

/** The one Dense layer, which is the head. */
function headOf(layers: readonly FileLayer[], classCount: number, where: string): FileLayer {
  const dense = layers.filter(({ className }) => className === "Dense");
  const [head] = dense;
  if (head === undefined || dense.length > 1) {
    throw refuse(where, `it has ${dense.length} Dense layers (${dense.map(({ name }) => name).join(", ")})`);
  }
  const { units, activation = "linear", use_bias: useBias = true } = head.config;
  if (units !== classCount) {
    const hint = "Give as many names as the model has outputs, in their order.";
    throw refuse(
      where,
      `its head "${head.name}" has ${String(units)} classes, and ${classCount} names were given`,
      hint,
    );
  }
  if (activation !== "softmax" && activation !== "linear") {
    throw refuse(where, `its head "${head.name}" has the activation ${JSON.stringify(activation)}`);
  }
  if (useBias !== true) throw refuse(where, `its head "${head.name}" has no bias`);
  return head;
}

/**
 * Works out what a whole Keras model is: the base, the head, and what has no part in a prediction.
 * @param config the model as Keras wrote it
 * @param where what messages call the file
 * @throws ThawError `import-unsupported` that names the layer
 */
export function planImport(config: unknown, where: string, classCount: number): ImportPlan {
  const layers = fileLayers(config);
  const imageSize = inputSize(layers, where);
  const base = matchBase(layers, imageSize);
  if ("reason" in base) throw refuse(where, `it is no MobileNetV2 that Thaw knows: ${base.reason}`);
  const head = headOf(layers, classCount, where);
  const leftOut: string[] = [];
  const scaling: [string, ScalingStep][] = [];
  let [dropout, poolings, softmaxes] = [0, 0, head.config.activation === "softmax" ? 1 : 0];
  const others = layers.filter((layer) => !base.names.has(layer.name) && layer !== head);
  for (const layer of others) {
    const { name, className, config: own } = layer;
    const step = scalingStep(layer);
    if (step !== undefined) scaling.push([name, step]);
    else if (/^Random[A-Z]/.test(className)) {
      leftOut.push(`${name} (${className}): it changes images while training only`);
    } else if (className === "Dropout") dropout = Number(own.rate);
    else if (className === "GlobalAveragePooling2D") poolings += 1;
    else if (className === "Activation" && own.activation === "softmax") softmaxes += 1;
    else if (className !== "InputLayer") throw refuse(where, `it has a layer "${name}" of type ${className}`);
  }
  if (poolings !== 1) throw refuse(where, `it averages over pixels ${poolings} times, expected once`);
  if (softmaxes > 1) throw refuse(where, "it takes the softmax of a softmax");
  leftOut.push(scalingNote(scaling, where));
  const ignore = others.map(({ name }) => `^${name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}/`);
  const model = { alpha: base.alpha, imageSize, weights: where, head: { name: head.name, dropout } };
  const data = { kind: "folder", path: "none" };
  return {
    model: parseSpec({ version: FORMATS.spec.version, name: "imported", model, data }, { where }).model,
    leftOut,
    ignore,
  };
}
