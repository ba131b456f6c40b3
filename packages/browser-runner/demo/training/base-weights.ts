import { selectWeights } from "@thaw/assets/select-weights";
import {
  MOBILENET_V2_ALPHAS,
  mobileNetV2,
  type NamedTensors,
  parseSafetensors,
  sha256,
  ThawError,
  type WeightsRef,
  type WeightsSource,
  writeSafetensors,
} from "@thaw/core";
import type { ShippedWeights } from "../build/manifest.ts";

/** Pretrained weights, ready for a plan. */
export interface BaseWeights {
  /** What a spec calls them. */
  readonly named: WeightsSource;
  readonly alpha: number;
  readonly ref: WeightsRef;
  readonly bytes: Uint8Array;
}

function missing(file: string, why: string): ThawError {
  return new ThawError("weights-missing", `The weights ${file} did not load: ${why}.`, {
    hint: "Check the connection and try again; if it recurs, the file is missing on the page's server.",
  });
}

/**
 * Fetches weights that came with the page.
 * @param onProgress is told the part that is there, 0…1
 * @throws ThawError `weights-missing`
 */
export async function fetchWeights(
  { file, alpha, sha256: expected, bytes: size, source }: ShippedWeights,
  onProgress: (part: number) => void,
): Promise<BaseWeights> {
  const response = await fetch(`weights/${file}`).catch((error: unknown) => {
    throw missing(file, error instanceof Error ? error.message : String(error));
  });
  if (!response.ok || response.body === null) throw missing(file, `the server answered ${response.status}`);
  const bytes = new Uint8Array(size);
  let received = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (received + part.value.byteLength > size) throw missing(file, `it has more than ${size} bytes`);
    bytes.set(part.value, received);
    received += part.value.byteLength;
    onProgress(received / size);
  }
  if (received !== size) throw missing(file, `${received} of ${size} bytes came`);
  if ((await sha256(bytes)) !== expected) throw missing(file, "it is not the file that the page was built with");
  return { named: file, alpha, ref: { blob: { sha256: expected, bytes: size }, source }, bytes };
}

/** The width multiplier that a file's tensors have; undefined for another network. */
function alphaOf(tensors: NamedTensors): number | undefined {
  return MOBILENET_V2_ALPHAS.find((alpha) =>
    mobileNetV2({ alpha, imageSize: 224 }).layers.every(({ name, weights }) =>
      weights.every((weight) => tensors.get(`${name}/${weight.name}`)?.shape.join() === weight.shape.join()),
    ),
  );
}

/**
 * Reads the visitor's own weights: a safetensors file with Keras's names; a head in it is left out.
 * @throws ThawError `safetensors-invalid`, `weights-mismatch`
 */
export async function ownWeights(file: File): Promise<BaseWeights> {
  const tensors = parseSafetensors(new Uint8Array(await file.arrayBuffer()), file.name);
  const alpha = alphaOf(tensors);
  if (alpha === undefined) {
    throw new ThawError("weights-mismatch", `${file.name} does not hold the weights of a whole MobileNetV2.`, {
      hint: "Take a safetensors file with Keras's names (Conv1/kernel …), such as this page saves.",
    });
  }
  const { layers } = mobileNetV2({ alpha, imageSize: 224 });
  const bytes = writeSafetensors(selectWeights(tensors, layers, { where: file.name, ignore: ["."] }));
  const blob = { sha256: await sha256(bytes), bytes: bytes.byteLength };
  return { named: { file: file.name, ignore: ["."] }, alpha, ref: { blob, source: file.name }, bytes };
}
