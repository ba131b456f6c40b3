import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Result, serializeError } from "@thaw/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openExperiment } from "../src/tracking/mlflow-experiment.ts";
import { mlflowAddress, mlflowServer } from "../src/tracking/mlflow-server.ts";
import { ending, SMALL_SPEC, specFile, start, temporaryFolder, thaw } from "./command-line.ts";
import { type FrontDoor, openFrontDoor } from "./front-door.ts";
import { resultsIn } from "./result-files.ts";
import { freePort, type RunningServer, startServer, TRACKING_PYTHON } from "./tracking-servers.ts";

interface Pair {
  readonly key: string;
  readonly value: string;
}
interface LoggedRun {
  readonly info: {
    readonly run_id: string;
    readonly run_name: string;
    readonly status: string;
    readonly artifact_uri: string;
    readonly end_time?: number;
  };
  readonly data: { readonly params: readonly Pair[]; readonly tags: readonly Pair[] };
}
type Point = readonly [step: number, value: number];

const SECRET = "open-sesame-4711";
/** Several runs of the command line, on a machine that may be busy. */
const TIMEOUT_MS = 180_000;

function thrown(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

function record(pairs: readonly Pair[]): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}

describe.skipIf(TRACKING_PYTHON === undefined)("a run on an MLflow server", () => {
  let server: RunningServer;
  const doors: FrontDoor[] = [];

  beforeAll(async () => {
    const folder = temporaryFolder();
    const args = ["mlflow", "server", "--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", "files"];
    server = await startServer([...args, "--workers", "1"], folder, "/health");
  }, 240_000);

  afterAll(async () => {
    for (const door of doors) await door.close();
    await server?.stop();
  });

  async function doorTo(...args: Parameters<typeof openFrontDoor> extends [string, ...infer Rest] ? Rest : never) {
    const door = await openFrontDoor(server.url, ...args);
    doors.push(door);
    return door.url;
  }

  async function ask<T>(path: string, body?: object): Promise<T> {
    const json = { method: "POST", headers: { "content-type": "application/json" } };
    const response = await fetch(`${server.url}/api/2.0/${path}`, body && { ...json, body: JSON.stringify(body) });
    return (await response.json()) as T;
  }

  async function runsOf(experiment: string): Promise<readonly LoggedRun[]> {
    const query = new URLSearchParams({ experiment_name: experiment });
    const { experiment: found } = await ask<{ experiment?: { experiment_id: string } }>(
      `mlflow/experiments/get-by-name?${query}`,
    );
    if (found === undefined) return [];
    const body = { experiment_ids: [found.experiment_id], order_by: ["start_time"] };
    return (await ask<{ runs?: LoggedRun[] }>("mlflow/runs/search", body)).runs ?? [];
  }

  async function history(run: LoggedRun, key: string): Promise<readonly Point[]> {
    const query = new URLSearchParams({ run_id: run.info.run_id, metric_key: key });
    const path = `mlflow/metrics/get-history?${query}`;
    const { metrics = [] } = await ask<{ metrics?: { step: number; value: number }[] }>(path);
    return metrics.map(({ step, value }): Point => [step, value]);
  }

  async function expectMetrics(run: LoggedRun | undefined, result: Result | undefined): Promise<void> {
    if (run === undefined || result === undefined) throw new Error("no run, or no result");
    const curve = (value: (epoch: Result["epochs"][number]) => number | undefined): Point[] =>
      result.epochs.map((epoch) => [epoch.epoch, value(epoch) ?? Number.NaN]);
    expect(await history(run, "loss")).toEqual(curve(({ train }) => train.loss));
    expect(await history(run, "accuracy")).toEqual(curve(({ train }) => train.accuracy));
    expect(await history(run, "val_loss")).toEqual(curve(({ validation }) => validation?.loss));
    expect(await history(run, "val_accuracy")).toEqual(curve(({ validation }) => validation?.accuracy));
    expect(await history(run, "learning_rate")).toEqual(curve(({ learningRate }) => learningRate));
    expect(await history(run, "test_accuracy")).toEqual([[result.final.epoch, result.final.test?.accuracy]]);
  }

  it(
    "has every cell of a sweep with its facts, its curves and its result, once",
    async () => {
      const out = join(temporaryFolder(), "out");
      const spec = specFile({ ...SMALL_SPEC, name: "grid" });
      const args = ["sweep", spec, "--freeze", "100,154", "--out", out];
      const env = { MLFLOW_TRACKING_URI: server.url };
      const sweep = await thaw(args, env);
      expect(sweep.code).toBe(0);
      const results = resultsIn(out);
      const runs = await runsOf("grid");
      expect(runs.map(({ info }) => [info.run_name, info.status])).toEqual(
        results.map(({ cell }) => [cell, "FINISHED"]),
      );
      for (const [index, run] of runs.entries()) await expectMetrics(run, results[index]);
      const [run, result] = [runs[1], results[1]];
      expect(record(run?.data.params ?? [])).toMatchObject({
        sweep: "grid",
        group: "sweep",
        label: "freeze-154",
        runner: "node",
        trains: expect.stringContaining("trains head alone"),
        freeze: "154",
        learning_rate: "0.001",
        batch_size: "8",
        epochs: "2",
        seed: "0",
        spec_hash: result?.specHash,
        plan_hash: result?.planHash,
      });
      expect(record(run?.data.tags ?? [])).toMatchObject({
        "thaw.device": result?.environment.device.name,
        "thaw.emulated_gpu": "false",
        "thaw.cell": result?.cell,
      });
      const artifact = `${run?.info.artifact_uri.replace("mlflow-artifacts:/", "")}/${result?.cell}.json`;
      const sent = await fetch(`${server.url}/api/2.0/mlflow-artifacts/artifacts/${artifact}`);
      expect(await sent.text()).toBe(readFileSync(join(out, `${result?.cell}.json`), "utf8"));

      const again = await thaw(args, env);
      expect(again.stderr.match(/done before, not sent again to MLflow/g)).toHaveLength(2);
      expect(await runsOf("grid")).toHaveLength(2);
    },
    TIMEOUT_MS,
  );

  it(
    "ends as FAILED or as KILLED",
    async () => {
      const env = { MLFLOW_TRACKING_URI: server.url, MLFLOW_EXPERIMENT_NAME: "my endings" };
      const spec = { ...SMALL_SPEC, freeze: 0, optimizer: { name: "sgd", learningRate: 1e38 } };
      expect((await thaw(["run", specFile(spec), "--out", temporaryFolder()], env)).code).toBe(4);
      const long = specFile({ ...SMALL_SPEC, freeze: 154, epochs: 50_000 });
      const child = start(["run", long, "--out", temporaryFolder()], env);
      const done = ending(child);
      await new Promise<void>((resolve) => {
        child.stderr?.on("data", (chunk: Buffer) => {
          if (chunk.toString().includes("epoch 1/")) resolve();
        });
      });
      child.kill("SIGINT");
      expect((await done).code).toBe(130);
      const runs = await runsOf("my endings");
      expect(runs.map(({ info }) => info.status)).toEqual(["FAILED", "KILLED"]);
      expect(record(runs[0]?.data.tags ?? [])["thaw.failure"]).toMatch(/^non-finite: Training stopped at epoch 1/);
      expect(Number(runs[1]?.info.end_time)).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  it(
    "gets everything after all where the server fails for a while, at no cost to the training",
    async () => {
      let failures = 0;
      const url = await doorTo((path) => {
        if (!path.includes("log-batch") || failures >= 2) return "pass";
        failures += 1;
        return failures === 1 ? "lose the answer" : { status: 503, text: "overloaded" };
      });
      const out = join(temporaryFolder(), "out");
      const spec = specFile({ ...SMALL_SPEC, name: "flaky", epochs: 3 });
      const run = await thaw(["run", spec, "--out", out], { MLFLOW_TRACKING_URI: url });
      expect(run.code).toBe(0);
      expect(run.stderr).toMatch(/MLflow at .* cannot be reached: .* Training goes on/);
      expect(run.stderr).toContain("MLflow: everything has arrived after all");
      await expectMetrics((await runsOf("flaky"))[0], resultsIn(out)[0]);
    },
    TIMEOUT_MS,
  );

  it(
    "is lost where the server stays away; the result is not, and the exit code says so",
    async () => {
      let created = false;
      const url = await doorTo((path) => {
        if (created) return "hang up";
        created = path.includes("runs/create");
        return "pass";
      });
      const out = join(temporaryFolder(), "out");
      const spec = specFile({ ...SMALL_SPEC, name: "gone" });
      const run = await thaw(["run", spec, "--out", out], { MLFLOW_TRACKING_URI: url });
      expect(run.code).toBe(5);
      expect(run.stderr.match(/Training goes on/g)).toHaveLength(1);
      expect(run.stderr).toMatch(/gone-node-\w+: MLflow lost data \(mlflow-unreachable\)/);
      expect(run.stdout).toContain("Result: ");
      expect(resultsIn(out)).toHaveLength(1);
    },
    TIMEOUT_MS,
  );

  it(
    "is refused before anything runs where the server does not let us in, and no secret is shown",
    async () => {
      const out = join(temporaryFolder(), "out");
      const basic = `Basic ${Buffer.from(`me:${SECRET}`).toString("base64")}`;
      const url = await doorTo((_path, { authorization }) => {
        if (authorization === `Bearer ${SECRET}` || authorization === basic) return "pass";
        return { status: 401, text: JSON.stringify({ message: `No entry with ${authorization}.` }) };
      });
      const spec = specFile({ ...SMALL_SPEC, name: "guarded", epochs: 1 });
      const args = ["run", spec, "--out", out];
      const wrong = await thaw(args, { MLFLOW_TRACKING_URI: url, MLFLOW_TRACKING_TOKEN: `${SECRET}-old` });
      expect(wrong.code).toBe(5);
      expect(wrong.stderr).toContain("answers 401: No entry with Bearer ….");
      expect(wrong.stderr).toContain("MLFLOW_TRACKING_TOKEN");
      expect(wrong.stderr + wrong.stdout).not.toContain(SECRET);
      expect(existsSync(out)).toBe(false);
      const right = await thaw(args, { MLFLOW_TRACKING_URI: url, MLFLOW_TRACKING_TOKEN: SECRET });
      expect([right.code, (right.stderr + right.stdout).includes(SECRET)]).toEqual([0, false]);
      expect(await runsOf("guarded")).toHaveLength(1);
      const files = readdirSync(out).map((name) => readFileSync(join(out, name), "utf8"));
      expect(files.join("\n")).not.toContain(SECRET);
      for (const env of [
        { MLFLOW_TRACKING_URI: url, MLFLOW_TRACKING_USERNAME: "me", MLFLOW_TRACKING_PASSWORD: SECRET },
        { MLFLOW_TRACKING_URI: url.replace("//", `//me:${SECRET}@`), MLFLOW_TRACKING_TOKEN: "not looked at" },
      ]) {
        const address = mlflowAddress(env);
        if (address === undefined) throw new Error("no address");
        expect(await openExperiment(mlflowServer(address), "guarded")).toMatch(/^\d+$/);
      }
    },
    TIMEOUT_MS,
  );
});

describe("MLFLOW_TRACKING_URI", () => {
  it(
    "fails a command before anything runs where nobody answers, unless --no-mlflow is given",
    async () => {
      const out = join(temporaryFolder(), "out");
      const place = `127.0.0.1:${await freePort()}`;
      const env = { MLFLOW_TRACKING_URI: `http://me:${SECRET}@${place}`, MLFLOW_TRACKING_TOKEN: SECRET };
      const args = ["run", specFile({ ...SMALL_SPEC, epochs: 1 }), "--out", out];
      const run = await thaw(args, env);
      expect(run.code).toBe(5);
      expect(run.stderr).toContain(
        `error (mlflow-unreachable): MLflow at http://${place} cannot be reached: connect ECONNREFUSED ${place}.`,
      );
      expect(run.stderr).not.toContain(SECRET);
      expect(existsSync(out)).toBe(false);
      expect((await thaw([...args, "--no-mlflow"], env)).code).toBe(0);
    },
    TIMEOUT_MS,
  );

  it.each(["databricks", "sqlite:///mlflow.db", "file:///mlruns", "http://host/?token=hidden"])("is no %s", (uri) => {
    const error = serializeError(thrown(() => mlflowAddress({ MLFLOW_TRACKING_URI: uri })));
    expect(error.code).toBe("mlflow-address-invalid");
    expect(JSON.stringify(error)).not.toContain("hidden");
  });

  it("may be left out, or have a path", () => {
    expect(mlflowAddress({})).toBeUndefined();
    expect(mlflowAddress({ MLFLOW_TRACKING_URI: "" })).toBeUndefined();
    expect(mlflowAddress({ MLFLOW_TRACKING_URI: "https://host/mlflow/" })?.url).toBe("https://host/mlflow");
  });
});
