import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Result, StepRecord } from "@thaw/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEventFile } from "../src/tracking/event-file.ts";
import { TensorBoardLog } from "../src/tracking/tensorboard.ts";
import { SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";
import { resultsIn } from "./result-files.ts";
import { python, type RunningServer, startServer, TRACKING_PYTHON } from "./tracking-servers.ts";

type Scalars = Readonly<Record<string, Readonly<Record<string, readonly (readonly [number, number])[]>>>>;

const READER = fileURLToPath(new URL("read-events.py", import.meta.url));

/** Every scalar below a folder: run, tag, [step, value]. */
function readEvents(folder: string): Scalars {
  return JSON.parse(python(READER, [folder])) as Scalars;
}

/** What a result says that TensorBoard must show; the files hold float32. */
function expectedScalars({ cell, epochs, steps = [] }: Result): Scalars {
  const curve = (value: (epoch: Result["epochs"][number]) => number): [number, number][] =>
    epochs.map((epoch) => [epoch.epoch - 1, Math.fround(value(epoch))]);
  return {
    [cell]: {},
    [`${cell}/train`]: {
      batch_loss: steps.map(({ step, loss }: StepRecord): [number, number] => [step, Math.fround(loss)]),
      epoch_loss: curve(({ train }) => train.loss),
      epoch_accuracy: curve(({ train }) => train.accuracy),
      epoch_learning_rate: curve(({ learningRate }) => learningRate),
      epoch_images_per_second: curve(({ imagesPerSecond }) => imagesPerSecond),
    },
    [`${cell}/validation`]: {
      epoch_loss: curve(({ validation }) => validation?.loss ?? Number.NaN),
      epoch_accuracy: curve(({ validation }) => validation?.accuracy ?? Number.NaN),
    },
  };
}

describe("an event file", () => {
  it("has TFRecord's checksums, those that TensorFlow writes", async () => {
    const file = join(temporaryFolder(), "events.out.tfevents.1");
    (await openEventFile(file)).close();
    const bytes = readFileSync(file);
    expect(bytes.readBigUInt64LE(0)).toBe(24n); // a wall time, and the version
    expect(bytes.subarray(8, 12).toString("hex")).toBe("a37f4b22"); // as in every file of TensorFlow's
    expect(bytes.subarray(12 + 9, 12 + 24).toString()).toBe("\x1a\rbrain.Event:2");
    expect(bytes).toHaveLength(8 + 4 + 24 + 4);
  });
});

describe("an attempt", () => {
  it("gets a folder of its own: TensorBoard would mix it up with one that was killed", async () => {
    const logs = temporaryFolder();
    const cell = { cell: "cell", data: { validation: 0 } } as never;
    for (let attempt = 1; attempt <= 3; attempt += 1) await new TensorBoardLog(logs).begin(cell);
    expect(readdirSync(logs).sort()).toEqual(["cell", "cell.attempt-2", "cell.attempt-3"]);
    expect(readdirSync(join(logs, "cell"))).toContain("train");
  });
});

describe.skipIf(TRACKING_PYTHON === undefined)("--tensorboard, read by TensorBoard", () => {
  const folder = temporaryFolder();
  const [out, logs] = [join(folder, "out"), join(folder, "logs")];
  const args = ["sweep", specFile({ ...SMALL_SPEC, epochs: 3 }), "--freeze", "100,154", "--out", out];
  let results: Result[] = [];
  let board: RunningServer;

  beforeAll(async () => {
    expect((await thaw([...args, "--tensorboard", logs])).code).toBe(0);
    results = resultsIn(out);
    board = await startServer(["tensorboard.main", "--logdir", logs], folder, "/data/environment");
  });

  afterAll(async () => await board?.stop());

  async function ask(path: string, body?: object): Promise<unknown> {
    const json = { method: "POST", headers: { "content-type": "application/json" } };
    const response = await fetch(`${board.url}/data/${path}`, body && { ...json, body: JSON.stringify(body) });
    return await response.json();
  }

  it("gives every value", () => {
    expect(results).toHaveLength(2);
    const expected = Object.assign({}, ...results.map(expectedScalars)) as Scalars;
    expect(readEvents(logs)).toEqual(expected);
  });

  it("shows curves in the browser's own requests", async () => {
    const [result] = results;
    const run = `${result?.cell}/validation`;
    await expect.poll(async () => await ask("runs"), { timeout: 30_000 }).toContain(run);
    const query = new URLSearchParams({ run, tag: "epoch_loss" });
    const points = (await ask(`plugin/scalars/scalars?${query}`)) as [number, number, number][];
    const expected = result && expectedScalars(result)[run]?.epoch_loss;
    expect(points.map(([, step, value]) => [step, value])).toEqual(expected);
    const [wallTime = 0] = points[0] ?? [];
    expect(Math.abs(wallTime - Date.now() / 1000)).toBeLessThan(600);
  });

  it("shows what each run began with on the HParams page", async () => {
    const request = {
      experimentName: "",
      allowedStatuses: ["STATUS_SUCCESS"],
      colParams: [],
      startIndex: 0,
      sliceSize: 10,
    };
    const { sessionGroups } = (await ask("plugin/hparams/session_groups", request)) as {
      sessionGroups: { name: string; hparams: Readonly<Record<string, unknown>> }[];
    };
    expect(sessionGroups.map(({ name }) => name).sort()).toEqual(results.map(({ cell }) => cell));
    const head = sessionGroups.find(({ hparams }) => hparams.freeze === "154");
    expect(head?.hparams).toMatchObject({
      trains: expect.stringContaining("trains head alone"),
      learning_rate: 1e-3,
      device: results[0]?.environment.device.name,
    });
  });

  it("does not send a cell again that was done before, and gives a repeated one a folder of its own", async () => {
    const before = readdirSync(logs).sort();
    const again = await thaw([...args, "--tensorboard", logs]);
    expect(again.stderr.match(/done before, not sent again to TensorBoard/g)).toHaveLength(2);
    expect(readdirSync(logs).sort()).toEqual(before);
    await thaw([...args, "--tensorboard", logs, "--rerun"]);
    expect(readdirSync(logs).sort()).toEqual(before.flatMap((name) => [name, `${name}.r2`]).sort());
  }, 180_000);
});
