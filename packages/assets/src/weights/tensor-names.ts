import type { HostTensor, NamedTensors } from "@thaw/core";
import { weightsInvalid } from "./weights-error.ts";

/** Keras 2's name of a depthwise kernel, which Keras 3 calls `kernel`. */
const OLD_NAMES: Readonly<Record<string, string>> = { depthwise_kernel: "kernel" };

/** A weight's own name in Keras 3 from any Keras's: `depthwise_kernel:0` becomes `kernel`. */
export function weightName(name: string): string {
  const bare = name.replace(/:\d+$/, "");
  return OLD_NAMES[bare] ?? bare;
}

/** `layer/weight` as Keras 3 has it: no `:0`, no `depthwise_kernel`. */
export function tensorName(name: string): string {
  const slash = name.lastIndexOf("/");
  return name.slice(0, slash + 1) + weightName(name.slice(slash + 1));
}

/** The layer's and the weight's part of a variable's path: `outer/inner/Conv1/kernel:0` gives `Conv1` and `kernel`. */
export function splitVariablePath(path: string): { readonly layer: string | null; readonly weight: string } {
  const parts = path.split("/");
  return { layer: parts.at(-2) ?? null, weight: weightName(parts.at(-1) ?? "") };
}

/** Adds a tensor; two of one name are an error, since either could be the wanted one. */
export function addTensor(tensors: Map<string, HostTensor>, name: string, tensor: HostTensor, where: string): void {
  if (tensors.has(name)) {
    throw weightsInvalid(where, `two tensors are called "${name}"`, {
      hint: "The file holds two copies of a layer of this name; save the base network alone.",
    });
  }
  tensors.set(name, tensor);
}

/** The same tensors under Keras 3's names. */
export function withKeras3Names(tensors: NamedTensors, where: string): NamedTensors {
  const renamed = new Map<string, HostTensor>();
  for (const [name, tensor] of tensors) addTensor(renamed, tensorName(name), tensor, where);
  return renamed;
}
