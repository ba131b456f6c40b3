import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const FOLDER = new URL("golden/architectures/", import.meta.url);

/** The configuration that Keras gives a network of its applications. */
export function goldenConfig(architecture: string, imageSize: number): unknown {
  const bytes = readFileSync(new URL(`${architecture}-${imageSize}.config.json.gz`, FOLDER));
  return JSON.parse(gunzipSync(bytes).toString("utf8"));
}

/** A small network as Keras 2 writes it. */
export function keras2Config(): unknown {
  return JSON.parse(readFileSync(new URL("keras-2.config.json", FOLDER), "utf8"));
}
