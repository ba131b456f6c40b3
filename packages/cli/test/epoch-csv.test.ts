import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "@thaw/core";
import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { EpochCsv } from "../src/tracking/epoch-csv.ts";
import { SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";
import { resultsIn } from "./result-files.ts";

type Row = Readonly<Record<string, string>>;

function rowsOf(file: string): Row[] {
  return parse(readFileSync(file), { columns: true });
}

function numbers(row: Row | undefined, columns: readonly string[]): number[] {
  return columns.map((column) => Number(row?.[column]));
}

/** Rows as a result's own epochs have them. */
function expectedRows(result: Result): number[][] {
  return result.epochs.map(({ epoch, learningRate, train, validation, trainMs, imagesPerSecond }) => [
    epoch,
    learningRate,
    train.loss,
    train.accuracy,
    validation?.loss ?? Number.NaN,
    validation?.accuracy ?? Number.NaN,
    trainMs,
    imagesPerSecond,
  ]);
}

const MEASURES = [
  "epoch",
  "learningRate",
  "trainLoss",
  "trainAccuracy",
  "validationLoss",
  "validationAccuracy",
  "trainMs",
  "imagesPerSecond",
];

describe("the table of epochs", () => {
  it("has a row an epoch of every cell, those done before and those that failed too", async () => {
    const folder = temporaryFolder();
    const [out, csv] = [join(folder, "out"), join(folder, "epochs.csv")];
    const spec = specFile({ ...SMALL_SPEC, freeze: 0, optimizer: { name: "sgd", learningRate: 1e-3 } });
    const first = await thaw(["sweep", spec, "--lr", "1e-3", "--out", out, "--csv", csv]);
    expect(first.code).toBe(0);
    const [result] = resultsIn(out);
    if (result === undefined) throw new Error("no result");
    const rows = rowsOf(csv);
    expect(rows.map((row) => numbers(row, MEASURES))).toEqual(expectedRows(result));
    expect(rows[0]).toMatchObject({
      sweep: "small",
      group: "sweep",
      label: "lr-1e-3",
      cell: result.cell,
      runner: "node",
      device: result.environment.device.name,
      emulatedGpu: "false",
      status: "finished",
      freeze: "0",
      trains: expect.stringContaining("nothing frozen, trains Conv1 … head"),
      phase: "phase-1",
      planHash: result.planHash,
    });

    const second = await thaw(["sweep", spec, "--lr", "1e-3,1e38", "--out", out, "--csv", csv]);
    expect(second.code).toBe(4);
    const again = rowsOf(csv);
    expect(again.map(({ status, label }) => `${label}: ${status}`)).toEqual([
      "lr-1e-3: done before",
      "lr-1e-3: done before",
      "lr-1e38: failed: non-finite",
    ]);
    expect(again.slice(0, 2).map((row) => numbers(row, MEASURES))).toEqual(expectedRows(result));
    expect(again[2]?.epoch).toBe("");
    expect(readdirSync(folder).sort()).toEqual(["epochs.csv", "out"]);
  }, 180_000);

  it("replaces no other file, and says so before anything runs", async () => {
    const folder = temporaryFolder();
    const csv = join(folder, "photos.csv");
    writeFileSync(csv, "file,label\na.png,boot\n");
    const run = await thaw(["run", specFile(SMALL_SPEC), "--out", join(folder, "out"), "--csv", csv]);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain("is no table of epochs; it is not overwritten");
    expect(readFileSync(csv, "utf8")).toBe("file,label\na.png,boot\n");
    expect(readdirSync(folder)).toEqual(["photos.csv"]);
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])("gives a spreadsheet no formula: %j", async (text) => {
    const csv = join(temporaryFolder(), "epochs.csv");
    const table = new EpochCsv(csv);
    // A runner of somebody else's has any name, and a driver calls a device what it likes.
    const environment = { device: { kind: "gpu", name: text, software: false } };
    const cell = { cell: text, sweep: null, runner: text, settings: {}, epochs: 0, spec: { name: "x" } };
    table.doneBefore(cell as never, { environment, epochs: [] } as never);
    await table.close();
    const [row] = rowsOf(csv);
    expect([row?.cell, row?.runner, row?.device]).toEqual([`'${text}`, `'${text}`, `'${text}`]);
  });

  it("says that a GPU is emulated", async () => {
    const csv = join(temporaryFolder(), "epochs.csv");
    const table = new EpochCsv(csv);
    const environment = { device: { kind: "gpu", name: "SwiftShader", software: true } };
    const cell = { cell: "a", sweep: null, runner: "webgpu", settings: {}, epochs: 0, spec: { name: "x" } };
    table.doneBefore(cell as never, { environment, epochs: [] } as never);
    await table.close();
    expect(rowsOf(csv)[0]).toMatchObject({ device: "software (SwiftShader)", emulatedGpu: "true" });
  });

  it("leaves an earlier table alone where nothing ran", async () => {
    const csv = join(temporaryFolder(), "epochs.csv");
    writeFileSync(csv, "");
    await new EpochCsv(csv).close();
    expect(readFileSync(csv, "utf8")).toBe("");
  });
});
