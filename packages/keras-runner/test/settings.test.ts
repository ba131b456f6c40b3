import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import type { Plan } from "@thaw/core";
import { contractPlan } from "@thaw/core/contract";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createRunner } from "../src/index.ts";
import { kerasSettings } from "../src/settings.ts";
import { JUDGE, kerasEvents } from "./keras-run.ts";
import { pythonCall } from "./python-call.ts";

const folder = mkdtempSync(join(tmpdir(), "thaw-"));
const runner = createRunner("keras");
const HINT = "npm run setup -- --keras";

describe("settings of runner keras", () => {
  it("have defaults", () => {
    expect(kerasSettings({})).toEqual({
      dtype: "float32",
      backend: "tensorflow",
      threads: 0,
      oneDnn: true,
      step: "compiled",
      loop: "own",
    });
  });

  it.each([
    ["dtype", "float16", "float32 or float64"],
    ["backend", "theano", "tensorflow or torch or jax"],
    ["threads", -1, "an integer from 0 to 256"],
    ["oneDnn", "yes", "true or false"],
    ["step", true, "compiled or eager"],
    ["loop", "train", "own or fit or train_on_batch"],
  ])("refuse a wrong %s before anything starts", async (name, value, expected) => {
    const wrong = { ok: false, code: "setting-invalid", reason: expect.stringContaining(`expected ${expected}`) };
    expect(await runner.probe({ [name]: value })).toMatchObject(wrong);
  });

  it.each(["jax", "torch"])("leave float64 to TensorFlow, not to %s", (backend) => {
    expect(() => kerasSettings({ dtype: "float64", backend })).toThrow(`in float32 on ${backend}`);
  });

  it("are in force, threads as they were counted", async () => {
    const availability = await runner.probe({ ...JUDGE, oneDnn: false, threads: 1 });
    if (!availability.ok) throw new Error(availability.reason);
    const { environment } = availability;
    expect(environment.settings).toEqual({
      dtype: "float64",
      backend: "tensorflow",
      threads: 1,
      oneDnn: false,
      step: "eager",
      loop: "own",
      tf32: false,
    });
    expect(environment.engine).toMatch(/^Keras 3\.\d+\.\d+ on TensorFlow 2\.\d+\.\d+$/);
    expect(environment.versions).toMatchObject({ python: expect.stringMatching(/^3\./), numpy: expect.any(String) });
    expect(environment.platform.arch).toBe(process.arch);
  });
});

describe("without Keras", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("runner keras says how to get it", async () => {
    vi.stubEnv("THAW_KERAS_PYTHON", "");
    vi.stubEnv("THAW_CACHE", folder);
    const missing = { ok: false, code: "keras-missing", hint: HINT };
    expect(await runner.probe()).toMatchObject(missing);
    const gone = { key: "keras-0", python: join(folder, "gone"), packages: null };
    writeFileSync(join(folder, "keras.json"), JSON.stringify(gone));
    expect(await runner.probe()).toMatchObject({ ...missing, reason: expect.stringContaining(gone.python) });
  });

  it("a Python that was named says so", async () => {
    const base = await pythonCall<string>("answer = sys._base_executable", null);
    vi.stubEnv("THAW_KERAS_PYTHON", base);
    vi.stubEnv("PYTHONNOUSERSITE", "1");
    const availability = await runner.probe();
    if (availability.ok) return; // THAW_KERAS_PYTHON of the caller is no virtual environment
    expect(availability).toMatchObject({
      code: "keras-missing",
      reason: expect.stringContaining('no package "keras"'),
    });
  });

  it.each(["torch", "jax"])("a backend that is not there is named: %s", async (backend) => {
    const code = "import importlib.util\nanswer = importlib.util.find_spec(given) is not None";
    if (await pythonCall<boolean>(code, backend)) return;
    expect(await runner.probe({ backend })).toMatchObject({
      ok: false,
      code: "keras-backend-missing",
      reason: expect.stringContaining(`no package "${backend}"`),
      hint: expect.stringContaining("THAW_KERAS_PYTHON"),
    });
  });
});

describe("a spec that Keras cannot do", () => {
  it("is refused by its field", async () => {
    const store = openStore(folder);
    const plan = await contractPlan(store, {});
    const model = { ...plan.spec.model, pooling: "max" };
    const wrong = { ...plan, spec: { ...plan.spec, model } } as unknown as Plan;
    await expect(kerasEvents(wrong, { storeDir: folder, settings: JUDGE })).rejects.toMatchObject({
      code: "spec-unsupported",
      message: expect.stringContaining("model.pooling"),
    });
  });
});
