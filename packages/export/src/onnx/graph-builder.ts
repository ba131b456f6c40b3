import { sizeOf } from "@thaw/core";
import { type AttributeProto, FLOAT, INT64, type NodeProto, type TensorProto } from "./messages.ts";

/** Collects the operations of a graph and their constants. */
export interface GraphBuilder {
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  /** Adds an operation. @returns the name of its output, which is `output` or its own name */
  node(
    name: string,
    type: string,
    inputs: readonly string[],
    attributes?: readonly AttributeProto[],
    output?: string,
  ): string;
  /** Adds a constant. @returns its name */
  floats(name: string, shape: readonly number[], values: Float32Array): string;
  integers(name: string, values: readonly number[]): string;
}

/** Starts an empty graph. */
export function graphBuilder(): GraphBuilder {
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const constant = (name: string, type: number, dims: readonly number[], raw: Uint8Array): string => {
    initializers.push({ name, dims, data_type: type, raw_data: raw });
    return name;
  };
  return {
    nodes,
    initializers,
    node(name, type, input, attribute = [], output = name) {
      nodes.push({ name, op_type: type, input, output: [output], attribute });
      return output;
    },
    floats(name, shape, values) {
      if (values.length !== sizeOf(shape)) throw new RangeError(`${name} has ${values.length} values.`);
      return constant(name, FLOAT, shape, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    },
    integers: (name, values) =>
      constant(name, INT64, [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer)),
  };
}

export const float = (name: string, f: number): AttributeProto => ({ name, type: 1, f });
export const integer = (name: string, i: number): AttributeProto => ({ name, type: 2, i });
export const integers = (name: string, ints: readonly number[]): AttributeProto => ({ name, type: 7, ints });
