import type { DataType, KernelBackend, Tensor, TensorInfo } from "@tensorflow/tfjs-core";

/** An attribute of a TensorFlow operation; `type` is one of the binding's `TF_ATTR_*`. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number | string | readonly number[];
}

/** The parts of the addon that we use. */
export interface NodeBinding {
  /** The library's own version, such as "2.21.0". */
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_INT64: number;
  readonly TF_BOOL: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  /** Whether TensorFlow runs on a GPU: false on a CUDA build that found none. */
  isUsingGpuDevice(): boolean;
  /** Tensors alive in TensorFlow, whoever made them. */
  getNumOfTensors(): number;
}

/** tfjs-node's backend: besides tfjs's kernels it runs any TensorFlow operation by its name. */
export interface NodeBackend extends KernelBackend {
  readonly binding: NodeBinding;
  readonly isUsingGpuDevice: boolean;
  /** @param dtype "float32", "int32", "bool", … @returns TensorFlow's number for it */
  getDTypeInteger(dtype: DataType): number;
  /** Runs an operation with one output. The caller disposes it. */
  executeSingleOutput(op: string, attributes: readonly OpAttribute[], inputs: readonly TensorInfo[]): Tensor;
  /** Runs an operation with `outputs` outputs. The caller disposes each. */
  executeMultipleOutputs(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly TensorInfo[],
    outputs: number,
  ): Tensor[];
}
