import { efficientNetB0 } from "./efficientnet-b0.ts";
import type { Model } from "./layer.ts";
import { MOBILENET_ALPHAS, mobileNet } from "./mobilenet.ts";
import { MOBILENET_V2_ALPHAS, mobileNetV2 } from "./mobilenet-v2.ts";
import { MOBILENET_V3_ALPHAS, mobileNetV3Small } from "./mobilenet-v3-small.ts";
import { resNet50 } from "./resnet50.ts";

/** What selects one network of a named architecture. */
export interface ArchitectureOptions {
  /** Width multiplier; 1 where the architecture has none. */
  readonly alpha: number;
  /** Side of the square input, pixels. */
  readonly imageSize: number;
}

interface Architecture {
  /** Accepted width multipliers; absent where there is none to choose. */
  readonly alphas?: readonly number[];
  readonly build: (options: ArchitectureOptions) => Model;
}

/** The networks that are known by name, as keras.applications names them. */
export const ARCHITECTURES = {
  MobileNetV2: { alphas: MOBILENET_V2_ALPHAS, build: mobileNetV2 },
  MobileNet: { alphas: MOBILENET_ALPHAS, build: mobileNet },
  MobileNetV3Small: { alphas: MOBILENET_V3_ALPHAS, build: mobileNetV3Small },
  ResNet50: { build: resNet50 },
  EfficientNetB0: { build: efficientNetB0 },
} as const satisfies Readonly<Record<string, Architecture>>;

/** A network known by name, or `keras` for one that a configuration of Keras describes. */
export type ArchitectureName = keyof typeof ARCHITECTURES | "keras";

/** Every {@link ArchitectureName}. */
export const ARCHITECTURE_NAMES: readonly ArchitectureName[] = [
  ...(Object.keys(ARCHITECTURES) as (keyof typeof ARCHITECTURES)[]),
  "keras",
];

/** Width multipliers that an architecture accepts; undefined where it has none. */
export function alphasOf(name: ArchitectureName): readonly number[] | undefined {
  const architecture: Architecture | undefined = name === "keras" ? undefined : ARCHITECTURES[name];
  return architecture?.alphas;
}
