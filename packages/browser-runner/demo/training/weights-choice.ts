import { type Spec, ThawError } from "@thaw/core";
import type { ShippedWeights } from "../build/manifest.ts";
import { modelSpec } from "../network/model-spec.ts";
import { byId, element } from "../page/element.ts";
import { type BaseWeights, fetchWeights, ownWeights } from "./base-weights.ts";

/** The weights that the visitor starts from. */
export interface WeightsChoice {
  /** The model as a spec has it. */
  model(imageSize: number): Spec["model"];
  /** Fetches them once. @throws ThawError `weights-missing` */
  load(onProgress: (part: number) => void): Promise<BaseWeights>;
}

/** Fills the page's list of weights. */
export function weightsChoice(
  shipped: readonly ShippedWeights[],
  onChange: () => void,
  onError: (error: unknown) => void,
): WeightsChoice {
  const select = byId("weights", HTMLSelectElement);
  const picker = byId("own-weights", HTMLInputElement);
  const loaded = new Map<string, BaseWeights>();
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  select.replaceChildren(
    ...shipped.map(({ file, label, bytes }) => element("option", { value: file }, `${label} (${megabytes(bytes)})`)),
  );
  const own = (file: File): Promise<void> =>
    ownWeights(file).then((base) => {
      const key = `own ${file.name}`;
      loaded.set(key, base);
      const known = [...select.options].find(({ value }) => value === key);
      const option = known ?? element("option", { value: key }, `MobileNetV2 ${base.alpha.toFixed(2)}, ${file.name}`);
      select.append(option);
      select.value = key;
      onChange();
    });
  picker.addEventListener("change", () => {
    const [file] = picker.files ?? [];
    if (file !== undefined) own(file).catch(onError);
    picker.value = "";
  });
  const alpha = (): number =>
    shipped.find(({ file }) => file === select.value)?.alpha ?? loaded.get(select.value)?.alpha ?? 1;

  return {
    model(imageSize) {
      return modelSpec({ alpha: alpha(), imageSize }, "settings");
    },
    async load(onProgress) {
      const key = select.value;
      const known = loaded.get(key);
      if (known !== undefined) return known;
      const entry = shipped.find(({ file }) => file === key);
      if (entry === undefined) {
        throw new ThawError("weights-missing", "No pretrained weights are chosen.", {
          hint: "Load weights of your own under More settings.",
        });
      }
      const base = await fetchWeights(entry, onProgress);
      loaded.set(key, base);
      return base;
    },
  };
}
