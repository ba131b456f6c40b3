import { z } from "zod";
import type { Activation } from "./layer.ts";

const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  linear: "linear",
  relu: "relu",
  relu6: "relu6",
  silu: "silu",
  swish: "silu",
  sigmoid: "sigmoid",
  hard_silu: "hard_silu",
  hard_swish: "hard_silu",
  hard_sigmoid: "hard_sigmoid",
};

const count = z.int().positive();
const square = z
  .union([count, z.tuple([count, count])])
  .transform((value) => (typeof value === "number" ? ([value, value] as const) : value));
const evenStrides = square
  .refine(([rows, columns]) => rows === columns, "supported are equal strides")
  .transform(([rows]) => rows);
const activation = z
  .union([z.string(), z.null(), z.object({ config: z.string() }).transform(({ config }) => config)])
  .transform((name) => name ?? "linear")
  .refine((name) => Object.hasOwn(ACTIVATIONS, name), `supported are ${Object.keys(ACTIVATIONS).join(", ")}`)
  .transform((name) => ACTIVATIONS[name] ?? "linear");
const channelsLast = z.literal("channels_last").nullish();
const lastAxis = z.union([z.literal([-1, 3]), z.tuple([z.literal([-1, 3])])]).optional();
const kind = z.enum(["same", "valid"]);
const windows = { strides: evenStrides, padding: kind, data_format: channelsLast };
const convolution = {
  ...windows,
  kernel_size: square,
  dilation_rate: z.union([z.literal(1), z.tuple([z.literal(1), z.literal(1)])]).optional(),
  groups: z.literal(1).optional(),
  use_bias: z.boolean().default(true),
  activation: activation.default("linear"),
};
const zeros = z.int().nonnegative();
const pair = z.tuple([zeros, zeros]);
const numbers = z.union([z.number(), z.array(z.number())]);

/** The fields of each class that decide what it computes; what else it has does not matter here. */
export const KERAS_FIELDS = {
  ZeroPadding2D: z.object({ padding: z.tuple([pair, pair]), data_format: channelsLast }),
  Conv2D: z.object({ ...convolution, filters: count }),
  DepthwiseConv2D: z.object({ ...convolution, depth_multiplier: z.literal(1).default(1) }),
  BatchNormalization: z.object({
    axis: lastAxis,
    epsilon: z.number().nonnegative(),
    momentum: z.number(),
    center: z.literal(true).default(true),
    scale: z.literal(true).default(true),
    renorm: z.literal(false).optional(),
  }),
  ReLU: z.object({
    max_value: z.number().positive().nullish(),
    negative_slope: z.literal(0).nullish(),
    threshold: z.literal(0).nullish(),
  }),
  Activation: z.object({ activation }),
  MaxPooling2D: z.object({ pool_size: square, ...windows, strides: evenStrides.nullish() }),
  GlobalAveragePooling2D: z.object({ keepdims: z.boolean().default(false), data_format: channelsLast }),
  Reshape: z.object({ target_shape: z.array(z.int()) }),
  Dropout: z.object({
    rate: z.number().min(0).lt(1),
    noise_shape: z.tuple([z.null(), z.literal(1), z.literal(1), z.literal(1)]).nullish(),
  }),
  Rescaling: z.object({ scale: numbers, offset: numbers.default(0) }),
  Normalization: z.object({
    axis: lastAxis,
    mean: numbers.nullish(),
    variance: numbers.nullish(),
    invert: z.literal(false).optional(),
  }),
  Add: z.object({}),
  Multiply: z.object({}),
} as const;

/** Name of a class that is supported, beside InputLayer. */
export type SupportedClass = keyof typeof KERAS_FIELDS;

/** The checked fields of a class. */
export type KerasFields<C extends SupportedClass> = z.output<(typeof KERAS_FIELDS)[C]>;

/** Keras's classes that a configuration may have. */
export const SUPPORTED_LAYERS: readonly string[] = ["InputLayer", ...Object.keys(KERAS_FIELDS)];
