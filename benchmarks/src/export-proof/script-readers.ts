import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { loadLayersModel, version_layers } from "@tensorflow/tfjs-layers";
import "@tensorflow/tfjs-backend-cpu";

/** What a reader found. */
export interface Reading {
  /** With its version. */
  readonly reader: string;
  /** [photos, classes] */
  readonly probabilities: Float32Array;
}

/** Serves a folder's files on this machine while `use` runs. */
async function served<T>(folder: string, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => {
    response.end(readFileSync(join(folder, (request.url ?? "/").replaceAll("..", ""))));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** tfjs-layers on its plain JavaScript backend, loading over HTTP as a page does. */
export async function readWithTfjs(folder: string, images: Float32Array, shape: readonly number[]): Promise<Reading> {
  await tf.setBackend("cpu");
  const model = await served(folder, (url) => loadLayersModel(`${url}/model.json`));
  const input = tf.tensor(images, [...shape]);
  const output = model.predict(input, { batchSize: 8 }) as tf.Tensor;
  const probabilities = (await output.data()) as Float32Array;
  tf.dispose([input, output]);
  model.dispose();
  return { reader: `tfjs-layers ${version_layers} (cpu)`, probabilities };
}

/** ONNX Runtime's WebAssembly, in this process. */
export async function readWithOnnxWeb(file: string, images: Float32Array, shape: readonly number[]): Promise<Reading> {
  const { InferenceSession, Tensor, env } = await import("onnxruntime-web");
  env.wasm.numThreads = 1;
  const session = await InferenceSession.create(new Uint8Array(readFileSync(file)));
  const [input = "", output = ""] = [session.inputNames[0], session.outputNames[0]];
  const found = await session.run({ [input]: new Tensor("float32", images, shape) });
  const probabilities = found[output]?.data;
  await session.release();
  if (!(probabilities instanceof Float32Array)) throw new Error(`${output} is not float32.`);
  return { reader: `onnxruntime-web ${env.versions.web} (wasm)`, probabilities };
}
