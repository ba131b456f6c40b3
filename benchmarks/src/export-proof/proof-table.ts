import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRunner as createDawn } from "@thaw/dawn-runner";
import {
  architectureRow,
  EXPORTED_ARCHITECTURES,
  kerasOf,
  makeArchitectureCase,
  onnxOf,
  onnxWebOf,
  pythonReading,
  tfjsOf,
} from "./architecture-case.ts";
import {
  type OwnPredictions,
  onnxWebRow,
  ownPredictions,
  type ProofRow,
  proofRow,
  pythonRow,
  readKeras,
  readOnnx,
  safetensorsReading,
  tfjsRow,
} from "./proof.ts";
import { makeProofCase, type ProofCase, predictionsOf } from "./proof-case.ts";

/** The page that shows the table, and the marks that it stands between. */
const PAGE = fileURLToPath(new URL("../../../docs/export.md", import.meta.url));
const MARKS = ["<!-- proof: made by `npm run export-table` -->", "<!-- end of proof -->"] as const;

async function allRows(proof: ProofCase, own: OwnPredictions): Promise<ProofRow[]> {
  const thaw = (reader: string, probabilities: Float32Array): ProofRow =>
    proofRow(proof, own, {
      format: "saved model",
      reader: `\`thaw predict\`, ${reader}`,
      input: "photos",
      probabilities,
    });
  const rows = [
    thaw("node, float32", own.float32),
    thaw("dawn, float32", await predictionsOf(createDawn("dawn"), proof)),
    thaw("reference, float64", own.float64),
  ];
  for (const kind of ["scaled", "pixels"] as const) {
    rows.push(pythonRow(proof, own, "keras", kind, await readKeras(proof, kind)));
    rows.push(await tfjsRow(proof, own, kind));
    rows.push(pythonRow(proof, own, "onnx", kind, await readOnnx(proof, kind)));
    rows.push(await onnxWebRow(proof, own, kind));
  }
  return rows;
}

const HEAD = ["file", "reader", "goes in", "from node, float32", "from reference, float64", "same class"];

function cellsOf({ format, reader, input, photos, fromFloat32, fromFloat64, sameClass }: ProofRow): readonly string[] {
  const difference = (value: number): string => (value === 0 ? "0" : value.toExponential(1));
  return [format, reader, input, difference(fromFloat32), difference(fromFloat64), `${sameClass} of ${photos}`];
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** The table of the other architectures. */
async function architectureTable(folder: string): Promise<string> {
  const rows: (readonly string[])[] = [];
  for (const name of EXPORTED_ARCHITECTURES) {
    const made = await makeArchitectureCase(folder, name);
    const own = await ownPredictions(made);
    const read = [
      ["keras", pythonReading(await kerasOf(made))],
      ["tfjs", await tfjsOf(made)],
      ["onnx", pythonReading(await onnxOf(made))],
      ["onnx", await onnxWebOf(made)],
    ] as const;
    for (const [format, reading] of read) {
      rows.push([name, ...cellsOf(architectureRow(made, own, format, reading))]);
    }
  }
  return tableOf(["network", ...HEAD], rows);
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "thaw-export-"));
  try {
    const proof = await makeProofCase(folder);
    const own = await ownPredictions(proof);
    const rows = await allRows(proof, own);
    const { version, tensors, different } = await safetensorsReading(proof);
    const { alpha, imageSize } = proof.model.record.spec.model;
    const made = `Made on ${new Date().toISOString().slice(0, 10)} with Node ${process.versions.node}: MobileNetV2 ${alpha}, ${imageSize} px, trained for two epochs by \`benchmarks/specs/export-proof.json\`; ${proof.shape[0]} real photos. The figures are the largest difference of a probability.`;
    const bits = `${version}: ${tensors - different.length} of ${tensors} tensors equal bit for bit.`;
    const page = readFileSync(PAGE, "utf8");
    const [before, rest] = page.split(MARKS[0]);
    const after = rest?.split(MARKS[1])[1];
    if (after === undefined) throw new Error(`${PAGE} has no place for the table.`);
    const others =
      "The other architectures, 64 px, of random weights with fitting statistics, their end trained for six epochs (`benchmarks/src/export-proof/architecture-case.ts`); a real photo of each class:";
    const text = `${tableOf(HEAD, rows.map(cellsOf))}\n\n${bits}\n\n${others}\n\n${await architectureTable(folder)}`;
    writeFileSync(PAGE, `${before}${MARKS[0]}\n\n${made}\n\n${text}\n\n${MARKS[1]}${after}`);
    process.stdout.write(`${text}\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await main();
