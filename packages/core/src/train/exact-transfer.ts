import type { DeviceTensor, Kernels } from "../kernels/kernels.ts";
import type { HostTensor } from "../model/safetensors.ts";

/** Reads a tensor back in the precision that it is computed in: float64 where the kernels have it. */
export async function exactly<T extends DeviceTensor>(kernels: Kernels<T>, tensor: T): Promise<HostTensor> {
  const { shape } = tensor;
  if (kernels.downloadExact !== undefined) {
    return { dtype: "float64", shape, data: await kernels.downloadExact(tensor) };
  }
  return { dtype: "float32", shape, data: await kernels.download(tensor) };
}

/** Puts a tensor that {@link exactly} read back on the device, bit for bit. */
export function uploadExactly<T extends DeviceTensor>(kernels: Kernels<T>, { data, shape }: HostTensor): T {
  if (data instanceof Float64Array && kernels.uploadExact !== undefined) return kernels.uploadExact(data, shape);
  return kernels.upload(data as Float32Array, shape);
}
