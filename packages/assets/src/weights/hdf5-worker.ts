import { parentPort } from "node:worker_threads";
import { serializeError } from "@thaw/core";
import { failedInstances, type Hdf5Group, withHdf5 } from "./hdf5-library.ts";
import type { Hdf5Reply, Hdf5Request, Hdf5Task, Hdf5Weights } from "./hdf5-task.ts";
import { isLegacyH5, readLegacyH5 } from "./keras-legacy-h5.ts";
import { isV3H5, readV3H5 } from "./keras-v3-h5.ts";
import { weightsInvalid } from "./weights-error.ts";

// The thread that HDF5's library runs in.

function weightsOf(root: Hdf5Group, where: string, task: Hdf5Task & { readonly kind: "weights" | "v3" }): Hdf5Weights {
  const { table } = task;
  if (task.kind === "v3")
    return { tensors: readV3H5(root, where, { table, model: task.model }), format: "keras-weights-h5" };
  if (isLegacyH5(root)) {
    const { tensors, byOrder } = readLegacyH5(root, where, table);
    return { tensors, format: byOrder ? "keras-h5-by-order" : "keras-h5" };
  }
  if (isV3H5(root)) return { tensors: readV3H5(root, where, { table }), format: "keras-weights-h5" };
  throw weightsInvalid(where, "it is an HDF5 file, but not one of Keras's", {
    hint: "Expected groups that layer_names lists (Keras .h5) or a group layers (Keras 3 .weights.h5).",
  });
}

async function answer({ task, bytes, where }: Hdf5Request): Promise<Hdf5Reply> {
  try {
    const value = await withHdf5(bytes, where, (root) =>
      task.kind === "text" ? (root.texts(task.attribute)?.[0] ?? null) : weightsOf(root, where, task),
    );
    return { value, failures: failedInstances() };
  } catch (error) {
    return { error: serializeError(error), failures: failedInstances() };
  }
}

/** Buffers that can be handed over instead of copied. */
function buffersOf(reply: Hdf5Reply): ArrayBuffer[] {
  if (!("value" in reply) || reply.value === null || typeof reply.value === "string") return [];
  const tensors = [...reply.value.tensors.values()];
  return [...new Set(tensors.flatMap(({ data: { buffer } }) => (buffer instanceof ArrayBuffer ? [buffer] : [])))];
}

parentPort?.on("message", async (request: Hdf5Request) => {
  const reply = await answer(request);
  parentPort?.postMessage(reply, buffersOf(reply));
});
