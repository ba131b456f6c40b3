import { parseSpec, type Spec } from "@thaw/core";

/**
 * A spec's model, checked and with its defaults, before there is a whole spec.
 * @throws ThawError `spec-invalid`
 */
export function modelSpec(
  model: { readonly alpha: number; readonly imageSize: number; readonly weights?: string },
  where: string,
): Spec["model"] {
  const data = { kind: "tensors", file: "none", classes: ["one", "another"] };
  return parseSpec({ version: 1, name: "model", model, data }, { where }).model;
}
