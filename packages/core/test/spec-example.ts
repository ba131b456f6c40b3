import { parseSpec } from "../src/spec/parse.ts";
import type { Spec, SpecInput } from "../src/spec/schema.ts";

/** The shortest spec there is. */
export const SHORTEST: SpecInput = {
  version: 1,
  name: "shortest",
  data: { kind: "tensors", file: "images.safetensors", classes: ["a", "b", "c"] },
};

/** A spec with some fields set and the rest by default. */
export function specWith(fields: Partial<SpecInput>): Spec {
  return parseSpec({ ...SHORTEST, ...fields });
}

/** The model part of a spec. */
export function modelSpec(model: SpecInput["model"]): Spec["model"] {
  return specWith({ model }).model;
}
