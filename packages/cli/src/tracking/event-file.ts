import { createCRC32, type IHasher } from "hash-wasm";
import protobuf from "protobufjs/light.js";
import { BatchedFile } from "./batched-file.ts";

/**
 * The part of TensorFlow's messages that Thaw writes, with their field numbers.
 * @see tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto, tensor.proto
 */
const MESSAGES = protobuf.Root.fromJSON({
  nested: {
    Event: {
      oneofs: { what: { oneof: ["fileVersion", "summary"] } },
      fields: {
        wallTime: { type: "double", id: 1 },
        step: { type: "int64", id: 2 },
        fileVersion: { type: "string", id: 3 },
        summary: { type: "Summary", id: 5 },
      },
    },
    Summary: { fields: { value: { rule: "repeated", type: "Value", id: 1 } } },
    Value: {
      oneofs: { value: { oneof: ["simpleValue", "tensor"] } },
      fields: {
        tag: { type: "string", id: 1 },
        simpleValue: { type: "float", id: 2 },
        tensor: { type: "Tensor", id: 8 },
        metadata: { type: "Metadata", id: 9 },
      },
    },
    Metadata: { fields: { pluginData: { type: "PluginData", id: 1 } } },
    PluginData: { fields: { pluginName: { type: "string", id: 1 }, content: { type: "bytes", id: 2 } } },
    Tensor: { fields: { dtype: { type: "int32", id: 1 }, shape: { type: "Shape", id: 2 } } },
    Shape: { fields: { dim: { rule: "repeated", type: "Dim", id: 2 } } },
    Dim: { fields: { size: { type: "int64", id: 1 } } },
  },
});
const EVENT = MESSAGES.lookupType("Event");

/** TensorFlow's `DT_FLOAT`; a plugin's summary carries an empty float tensor. */
const EMPTY_TENSOR = { dtype: 1, shape: { dim: [{ size: 0 }] } };

/** Castagnoli's polynomial, its bits reversed. */
const CRC32C_POLYNOMIAL = 0x82f63b78;
/** @see https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/lib/hash/crc32c.h */
const MASK_DELTA = 0xa282ead8;

/** TFRecord's checksum: CRC32C, rotated and shifted so that a checksum of a checksum means something. */
function maskedCrc(hasher: IHasher, bytes: Uint8Array): number {
  const crc = Number.parseInt(hasher.init().update(bytes).digest("hex"), 16);
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

/** A message framed as a TFRecord: length, its checksum, the bytes, their checksum; little-endian. */
function record(hasher: IHasher, bytes: Uint8Array): Uint8Array {
  const framed = Buffer.alloc(8 + 4 + bytes.length + 4);
  framed.writeBigUInt64LE(BigInt(bytes.length));
  framed.writeUInt32LE(maskedCrc(hasher, framed.subarray(0, 8)), 8);
  framed.set(bytes, 12);
  framed.writeUInt32LE(maskedCrc(hasher, bytes), 12 + bytes.length);
  return framed;
}

/** A file of TensorBoard's events. */
export interface EventFile {
  /** @param step float32 is what the file keeps of the values */
  scalars(step: number, values: Readonly<Record<string, number>>): void;
  /** What a plugin reads, encoded its own way. */
  pluginData(tag: string, pluginName: string, content: Uint8Array): void;
  /** @throws ThawError `result-unwritable` */
  close(): void;
}

/**
 * Opens a new file.
 * @param path its name must contain `tfevents`, which is what TensorBoard looks for
 * @throws ThawError `result-unwritable`
 */
export async function openEventFile(path: string): Promise<EventFile> {
  const hasher = await createCRC32(CRC32C_POLYNOMIAL);
  const file = new BatchedFile(path);
  const write = (event: object): void => {
    file.append(record(hasher, EVENT.encode({ wallTime: Date.now() / 1000, ...event }).finish()));
  };
  write({ fileVersion: "brain.Event:2" });
  return {
    scalars(step, values) {
      const value = Object.entries(values).map(([tag, simpleValue]) => ({ tag, simpleValue }));
      write({ step, summary: { value } });
    },
    pluginData(tag, pluginName, content) {
      const metadata = { pluginData: { pluginName, content } };
      write({ step: 0, summary: { value: [{ tag, metadata, tensor: EMPTY_TENSOR }] } });
    },
    close: () => file.close(),
  };
}
