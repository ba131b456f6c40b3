import { readFileSync } from "node:fs";
import protobuf from "protobufjs";

/** ONNX's number for a tensor's type, `TensorProto.DataType`. */
export const FLOAT = 1;
export const INT64 = 7;

/** A tensor with its values. */
export interface TensorProto {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data_type: number;
  /** Little-endian. */
  readonly raw_data: Uint8Array;
}

/** `AttributeProto.AttributeType`: FLOAT 1, INT 2, INTS 7. */
export type AttributeProto =
  | { readonly name: string; readonly type: 1; readonly f: number }
  | { readonly name: string; readonly type: 2; readonly i: number }
  | { readonly name: string; readonly type: 7; readonly ints: readonly number[] };

/** One operation. */
export interface NodeProto {
  readonly name: string;
  readonly op_type: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute?: readonly AttributeProto[];
}

/** An input or an output of the graph: a name for a size that may be any, or the size. */
export interface ValueInfoProto {
  readonly name: string;
  readonly doc_string?: string;
  readonly type: {
    readonly tensor_type: {
      readonly elem_type: number;
      readonly shape: { readonly dim: readonly ({ readonly dim_param: string } | { readonly dim_value: number })[] };
    };
  };
}

/** The part of an ONNX file that Thaw writes, in the field names of `onnx.proto`. */
export interface ModelProto {
  readonly ir_version: number;
  readonly producer_name: string;
  readonly producer_version: string;
  readonly doc_string: string;
  readonly opset_import: readonly { readonly domain: string; readonly version: number }[];
  readonly metadata_props: readonly { readonly key: string; readonly value: string }[];
  readonly graph: {
    readonly name: string;
    readonly node: readonly NodeProto[];
    readonly initializer: readonly TensorProto[];
    readonly input: readonly ValueInfoProto[];
    readonly output: readonly ValueInfoProto[];
  };
}

/** @returns the bytes of an ONNX file */
export function encodeModel(model: ModelProto): Uint8Array {
  const schema = readFileSync(new URL("../../data/onnx.proto", import.meta.url), "utf8"); // ONNX's own, unchanged
  const type = protobuf.parse(schema, { keepCase: true }).root.lookupType("onnx.ModelProto");
  return type.encode(type.fromObject(model)).finish();
}
