import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { cacheFolder, openStore, resolveWeights } from "@thaw/assets";
import { mobileNetV2, ThawError, writeSafetensors } from "@thaw/core";
import { writeAtomically } from "@thaw/runner-kit";
import { modelSpec } from "../network/model-spec.ts";
import type { ShippedWeights } from "./manifest.ts";
import type { WeightsOption } from "./weights-option.ts";

function labelOf({ source, alpha }: WeightsOption): string {
  const known: Readonly<Record<string, string>> = { imagenet: "ImageNet", "dogs-160": "ImageNet, then dogs" };
  return `MobileNetV2 ${alpha.toFixed(2)}, ${known[source] ?? basename(source)}`;
}

/**
 * Finds weights as a spec would, and puts them into the page's folder.
 * @returns their entry in the manifest
 * @throws ThawError as the asset resolver
 */
export async function shipWeights(
  option: WeightsOption,
  folder: string,
  onNote: (note: string) => void,
): Promise<ShippedWeights> {
  const { alpha = 1, imageSize } = modelSpec(
    { alpha: option.alpha, imageSize: option.imageSize, weights: option.source },
    `--weights ${option.source}`,
  );
  const { layers } = mobileNetV2({ alpha, imageSize });
  const found = await resolveWeights(option.source, {
    architecture: "MobileNetV2",
    alpha,
    imageSize,
    layers,
    baseDir: process.cwd(),
    env: process.env,
    store: openStore(cacheFolder(process.env)),
    onProgress: onNote,
  });
  if (found.tensors === null) {
    throw new ThawError("option-invalid", `--weights ${option.source}: there is no file to bring along.`, {
      hint: "Name imagenet, dogs-160 or a file.",
    });
  }
  const stem = basename(option.source)
    .replace(/\.[^.]*$/, "")
    .replace(/[^A-Za-z0-9._-]/g, "-");
  const file = `mobilenet_v2_${alpha.toFixed(2)}_${stem}.safetensors`;
  await mkdir(folder, { recursive: true });
  await writeAtomically(join(folder, file), writeSafetensors(found.tensors));
  const { sha256, bytes } = found.blob;
  return { file, label: labelOf(option), source: found.source, alpha, sha256, bytes };
}
