import protobuf from "protobufjs/light.js";

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

type Fields = Record<string, { readonly id: number; readonly type: string; readonly rule?: "repeated" }>;

function message(fields: Fields): { readonly fields: Fields } {
  return { fields };
}

/**
 * Field numbers of the messages above, of `onnx.proto`.
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
const MESSAGES = protobuf.Root.fromJSON({
  nested: {
    ModelProto: message({
      ir_version: { id: 1, type: "int64" },
      producer_name: { id: 2, type: "string" },
      producer_version: { id: 3, type: "string" },
      doc_string: { id: 6, type: "string" },
      graph: { id: 7, type: "GraphProto" },
      opset_import: { id: 8, type: "OperatorSetIdProto", rule: "repeated" },
      metadata_props: { id: 14, type: "StringStringEntryProto", rule: "repeated" },
    }),
    OperatorSetIdProto: message({ domain: { id: 1, type: "string" }, version: { id: 2, type: "int64" } }),
    StringStringEntryProto: message({ key: { id: 1, type: "string" }, value: { id: 2, type: "string" } }),
    GraphProto: message({
      node: { id: 1, type: "NodeProto", rule: "repeated" },
      name: { id: 2, type: "string" },
      initializer: { id: 5, type: "TensorProto", rule: "repeated" },
      input: { id: 11, type: "ValueInfoProto", rule: "repeated" },
      output: { id: 12, type: "ValueInfoProto", rule: "repeated" },
    }),
    NodeProto: message({
      input: { id: 1, type: "string", rule: "repeated" },
      output: { id: 2, type: "string", rule: "repeated" },
      name: { id: 3, type: "string" },
      op_type: { id: 4, type: "string" },
      attribute: { id: 5, type: "AttributeProto", rule: "repeated" },
    }),
    AttributeProto: message({
      name: { id: 1, type: "string" },
      f: { id: 2, type: "float" },
      i: { id: 3, type: "int64" },
      ints: { id: 8, type: "int64", rule: "repeated" },
      type: { id: 20, type: "int32" },
    }),
    TensorProto: message({
      dims: { id: 1, type: "int64", rule: "repeated" },
      data_type: { id: 2, type: "int32" },
      name: { id: 8, type: "string" },
      raw_data: { id: 9, type: "bytes" },
    }),
    ValueInfoProto: message({
      name: { id: 1, type: "string" },
      type: { id: 2, type: "TypeProto" },
      doc_string: { id: 3, type: "string" },
    }),
    TypeProto: message({ tensor_type: { id: 1, type: "TensorType" } }),
    TensorType: message({ elem_type: { id: 1, type: "int32" }, shape: { id: 2, type: "TensorShapeProto" } }),
    TensorShapeProto: message({ dim: { id: 1, type: "Dimension", rule: "repeated" } }),
    Dimension: message({ dim_value: { id: 1, type: "int64" }, dim_param: { id: 2, type: "string" } }),
  },
});
const MODEL = MESSAGES.lookupType("ModelProto");

/** @returns the bytes of an ONNX file */
export function encodeModel(model: ModelProto): Uint8Array {
  return MODEL.encode(MODEL.fromObject(model)).finish();
}

/** Reads what {@link encodeModel} writes; numbers of 64 bits come as such. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  return MODEL.toObject(MODEL.decode(bytes), { longs: Number }) as ModelProto;
}
