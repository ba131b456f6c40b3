import type { Tensor, TensorInfo } from "@tensorflow/tfjs-core";
import type { NodeBackend, NodeBinding, OpAttribute } from "./native/binding.ts";

/** The part of tfjs-node's kernel backend that runs TensorFlow operations. */
export interface EagerBackend
  extends Pick<NodeBackend, "isUsingGpuDevice" | "executeSingleOutput" | "executeMultipleOutputs"> {
  readonly binding: Pick<
    NodeBinding,
    | "TF_ATTR_BOOL"
    | "TF_ATTR_FLOAT"
    | "TF_ATTR_INT"
    | "TF_ATTR_SHAPE"
    | "TF_ATTR_STRING"
    | "TF_ATTR_TYPE"
    | "TF_FLOAT"
    | "TF_INT32"
  >;
}

/** Attributes of an op, without their TensorFlow types where JavaScript's own type says enough. */
export interface EagerAttributes {
  readonly bools?: Readonly<Record<string, boolean>>;
  readonly floats?: Readonly<Record<string, number>>;
  readonly ints?: Readonly<Record<string, number | readonly number[]>>;
  readonly strings?: Readonly<Record<string, string>>;
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Type attributes; `T` is float32 unless it is said otherwise. */
  readonly types?: Readonly<Record<string, "float32" | "int32">>;
}

/** Runs one TensorFlow eager op on float32 tensors; results are new tensors that the caller frees. */
export interface EagerOps {
  one(name: string, inputs: readonly TensorInfo[], attributes?: EagerAttributes): Tensor;
  many(name: string, inputs: readonly TensorInfo[], outputs: number, attributes?: EagerAttributes): Tensor[];
}

/** Wraps tfjs-node's backend so that any TensorFlow op can be called by name. */
export function eagerOps(backend: EagerBackend): EagerOps {
  const { binding } = backend;

  function opAttributes(attributes: EagerAttributes): OpAttribute[] {
    const list: OpAttribute[] = [];
    const push = (type: number, entries: Readonly<Record<string, OpAttribute["value"]>> = {}): void => {
      for (const [name, value] of Object.entries(entries)) {
        list.push({ name, type, value });
      }
    };
    push(binding.TF_ATTR_BOOL, attributes.bools);
    push(binding.TF_ATTR_FLOAT, attributes.floats);
    push(binding.TF_ATTR_INT, attributes.ints);
    push(binding.TF_ATTR_STRING, attributes.strings);
    push(binding.TF_ATTR_SHAPE, attributes.shapes);
    for (const [name, type] of Object.entries(attributes.types ?? { T: "float32" })) {
      list.push({ name, type: binding.TF_ATTR_TYPE, value: type === "int32" ? binding.TF_INT32 : binding.TF_FLOAT });
    }
    return list;
  }

  return {
    one: (name, inputs, attributes = {}) => backend.executeSingleOutput(name, opAttributes(attributes), inputs),
    many: (name, inputs, outputs, attributes = {}) =>
      backend.executeMultipleOutputs(name, opAttributes(attributes), inputs, outputs),
  };
}
