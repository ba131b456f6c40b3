import { ThawError } from "../error.ts";
import type { DeviceTensor, Kernels } from "../kernels/kernels.ts";
import type { Layer } from "../model/layer.ts";
import type { HostTensor, NamedTensors } from "../model/safetensors.ts";
import { exactly, uploadExactly } from "./exact-transfer.ts";

function float32Data(value: HostTensor | undefined, name: string, shape: readonly number[]): Float32Array {
  const hint = "Check that the weights belong to this architecture and alpha.";
  if (value === undefined || !(value.data instanceof Float32Array)) {
    throw new ThawError("weights-mismatch", `There are no float32 weights for "${name}".`, { hint });
  }
  if (value.shape.join() !== shape.join()) {
    const message = `Weights "${name}" have shape [${value.shape.join(", ")}], expected [${shape.join(", ")}].`;
    throw new ThawError("weights-mismatch", message, { hint });
  }
  return value.data;
}

/** All weights of a network on the device, by Keras name (`block_1_expand/kernel`). */
export class Variables<T extends DeviceTensor> {
  readonly #kernels: Kernels<T>;
  readonly #tensors = new Map<string, T>();

  /** @throws ThawError `weights-mismatch` where a weight is missing, no float32, or of another shape */
  constructor(kernels: Kernels<T>, layers: readonly Layer[], values: NamedTensors) {
    this.#kernels = kernels;
    const checked = layers.flatMap((layer) =>
      layer.weights.map(({ name, shape }) => {
        const data = float32Data(values.get(`${layer.name}/${name}`), `${layer.name}/${name}`, shape);
        return { name: `${layer.name}/${name}`, shape, data };
      }),
    );
    for (const { name, shape, data } of checked) this.#tensors.set(name, kernels.upload(data, shape));
  }

  get(name: string): T {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw new ThawError("internal", `There is no variable "${name}".`);
    return tensor;
  }

  /** Puts a successor in a variable's place; the old tensor is freed unless it was consumed already. */
  replace(name: string, tensor: T, old: "free" | "consumed"): void {
    if (old === "free") this.#kernels.dispose(this.get(name));
    this.#tensors.set(name, tensor);
  }

  /** Reads weights back, in layer order. */
  async download(filter: (name: string) => boolean = () => true): Promise<Map<string, HostTensor>> {
    return await this.#read(filter, async (tensor) => ({
      dtype: "float32",
      shape: tensor.shape,
      data: await this.#kernels.download(tensor),
    }));
  }

  /** Reads weights back in the precision that they are computed in. */
  async downloadExact(names: ReadonlySet<string>): Promise<Map<string, HostTensor>> {
    return await this.#read(
      (name) => names.has(name),
      (tensor) => exactly(this.#kernels, tensor),
    );
  }

  async #read(
    filter: (name: string) => boolean,
    read: (tensor: T) => Promise<HostTensor>,
  ): Promise<Map<string, HostTensor>> {
    const values = new Map<string, HostTensor>();
    for (const [name, tensor] of this.#tensors) if (filter(name)) values.set(name, await read(tensor));
    return values;
  }

  /** Overwrites weights with host values of the same shapes. */
  assign(values: NamedTensors): void {
    for (const [name, value] of values) this.replace(name, uploadExactly(this.#kernels, value), "free");
  }

  dispose(): void {
    for (const tensor of this.#tensors.values()) this.#kernels.dispose(tensor);
    this.#tensors.clear();
  }
}
