import type { WeightsHere } from "@thaw/assets";
import type { ModelChoice } from "./spec-choices.ts";

function optionsOf({ weights, alpha, imageSize }: WeightsHere): string {
  return `--weights ${weights} --alpha ${alpha} --image-size ${imageSize}`;
}

/**
 * Says whether the pretrained weights are on this machine, and which others are where they are not.
 * @param here the weights that can be had without a download
 */
export function weightsNote({ weights, alpha, imageSize }: ModelChoice, here: readonly WeightsHere[]): string {
  if (weights === "random") return "Weights: none; the network learns from nothing, which takes far more photos.";
  if (weights !== "imagenet" && weights !== "dogs-160") return `Weights: the file ${weights}.`;
  const width = Number.isInteger(alpha) ? alpha.toFixed(1) : String(alpha);
  const what = `Weights: ${weights} of MobileNetV2 ${width}${weights === "imagenet" ? ` at ${imageSize} px` : ""}`;
  const isHere = here.some(
    (one) => one.weights === weights && one.alpha === alpha && (weights === "dogs-160" || one.imageSize === imageSize),
  );
  if (isHere) return `${what}, which are on this machine.`;
  const others = here.map(optionsOf).join("; ");
  const instead = others === "" ? "" : ` Already here, to init with instead: ${others}.`;
  return `${what}, which are not on this machine: the first run downloads them.${instead}`;
}
