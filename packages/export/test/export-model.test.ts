import { type SavedModel, sha256, ThawError } from "@thaw/core";
import { unzipSync } from "fflate";
import { beforeAll, describe, expect, it } from "vitest";
import { exportModel } from "../src/export-model.ts";
import { exportedNetwork } from "../src/exported-network.ts";
import { FORMAT_NAMES, formatOf, parseFormats } from "../src/formats.ts";
import { kerasLayer } from "../src/keras/layer-configs.ts";
import { decodeModel } from "../src/onnx/messages.ts";
import { tinyModel } from "./tiny-model.ts";

const DATE = new Date("2026-11-26T12:00:00Z");
let model: SavedModel;

async function exported(takesPixels: boolean): Promise<ReadonlyMap<string, Uint8Array>> {
  return await exportModel(model, { formats: FORMAT_NAMES, takesPixels, from: "m", thawVersion: "0.0.0", date: DATE });
}

const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

beforeAll(async () => {
  model = await tinyModel();
});

describe("an export", () => {
  it("lists every file in its card with its size and hash", async () => {
    const files = await exported(false);
    const card = textOf(files.get("MODEL_CARD.md"));
    for (const [path, bytes] of files) {
      if (path === "MODEL_CARD.md") continue;
      expect(card).toContain(`| \`${path}\` | ${bytes.length} | \`${await sha256(bytes)}\` |`);
    }
    expect([...files.keys()].filter((path) => path.startsWith("tfjs/"))).toHaveLength(2);
  });

  it("is the same bytes for the same model and date, but for the times that HDF5 keeps", async () => {
    const [first, second] = [await exported(true), await exported(true)];
    for (const [path, bytes] of first) {
      if (path === "model.keras" || path === "MODEL_CARD.md") continue; // the card has the archive's hash
      expect([path, await sha256(second.get(path) ?? new Uint8Array())]).toEqual([path, await sha256(bytes)]);
    }
    const configs = [first, second].map((files) => unzipSync(files.get("model.keras") ?? new Uint8Array()));
    expect(textOf(configs[1]?.["config.json"])).toBe(textOf(configs[0]?.["config.json"]));
  });

  it("puts a Rescaling in front where pixels go in, and nowhere else", async () => {
    for (const takesPixels of [false, true]) {
      const files = await exported(takesPixels);
      const archive = unzipSync(files.get("model.keras") ?? new Uint8Array());
      const keras = textOf(archive["config.json"]);
      const tfjs = textOf(files.get("tfjs/model.json"));
      const operations = decodeModel(files.get("model.onnx") ?? new Uint8Array()).graph.node.map(
        ({ op_type: type }) => type,
      );
      expect(keras.includes('"Rescaling"')).toBe(takesPixels);
      expect(tfjs.includes('"Rescaling"')).toBe(takesPixels);
      expect(operations.filter((type) => type === "Mul")).toHaveLength(takesPixels ? 1 : 0);
      expect(textOf(files.get("MODEL_CARD.md"))).toContain(takesPixels ? "values 0…255" : "values -1…1");
    }
  });

  it("leaves dropout out of ONNX, keeps it in Keras, and ends in softmax in both", async () => {
    const files = await exported(false);
    const { graph } = decodeModel(files.get("model.onnx") ?? new Uint8Array());
    expect(graph.node.map(({ op_type: type }) => type)).not.toContain("Dropout");
    expect(graph.node.at(-1)).toMatchObject({ op_type: "Softmax", input: ["head"], output: ["probabilities"] });
    expect(graph.input[0]?.type.tensor_type.shape.dim[0]).toEqual({ dim_param: "batch" });
    const archive = unzipSync(files.get("model.keras") ?? new Uint8Array());
    const { config } = JSON.parse(textOf(archive["config.json"])) as {
      config: { layers: { class_name: string; name: string; config: { rate?: number; activation?: string } }[] };
    };
    const [dropout, head] = config.layers.slice(-2);
    expect([dropout?.class_name, dropout?.config.rate]).toEqual(["Dropout", 0.2]);
    expect([head?.name, head?.config.activation]).toEqual(["head", "softmax"]);
  });

  it("turns ONNX's kernels: out, in, rows, columns", async () => {
    const { graph } = decodeModel((await exported(false)).get("model.onnx") ?? new Uint8Array());
    const tensor = graph.initializer.find(({ name }) => name === "Conv1/kernel");
    const { shape, data } = model.weights.get("Conv1/kernel") ?? { shape: [], data: new Float32Array() };
    const [rows = 0, columns = 0, inputs = 0, outputs = 0] = shape;
    expect(tensor?.dims).toEqual([outputs, inputs, rows, columns]);
    const bytes = Uint8Array.from(tensor?.raw_data ?? []);
    const turned = new Float32Array(bytes.buffer);
    const at = (row: number, column: number, input: number, output: number): number =>
      ((row * columns + column) * inputs + input) * outputs + output;
    for (const [row, column, input, output] of [
      [0, 1, 2, 3],
      [2, 0, 1, 15],
      [1, 2, 0, 7],
    ] as const) {
      const place = ((output * inputs + input) * rows + row) * columns + column;
      expect(turned[place]).toBe(data[at(row, column, input, output)]);
    }
  });

  it("names an operation that a format does not have, and writes nothing", async () => {
    const network = exportedNetwork(model, false);
    const [input, conv, ...rest] = network.layers;
    if (input === undefined || conv === undefined) throw new Error("The network is empty.");
    const strange = {
      ...network,
      layers: [input, { ...conv, op: { type: "Swizzle" } as unknown as typeof conv.op }, ...rest],
    };
    for (const name of ["keras", "tfjs", "onnx"] as const) {
      const error = await formatOf(name)
        .write(strange, { thawVersion: "0.0.0", date: DATE })
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ThawError);
      expect((error as ThawError).code).toBe("export-unsupported");
      expect((error as ThawError).message).toContain('Swizzle (layer "Conv1")');
    }
  });

  it("refuses a padding that Keras has no word for", () => {
    const network = exportedNetwork(model, false);
    const conv = network.layers.find(({ name }) => name === "Conv1");
    if (conv?.op.type !== "Conv2D") throw new Error("There is no Conv1.");
    const padding = [
      [2, 0],
      [0, 2],
    ] as const;
    expect(() => kerasLayer({ ...conv, op: { ...conv.op, padding } } as typeof conv)).toThrow(
      /padding \[\[2,0\],\[0,2\]\]/,
    );
  });
});

describe("a list of formats", () => {
  it("is read in its order, each once", () => {
    expect(parseFormats("onnx, keras,onnx")).toEqual(["onnx", "keras"]);
    expect(() => parseFormats("tflite")).toThrow(/no format "tflite"/);
  });
});
