import type { Tensor } from "@tensorflow/tfjs-core";
import { type OpVerdict, type Tfjs, ThawError } from "@thaw/core";
import { beforeAll, describe, expect, it } from "vitest";
import { caseData, caseFrom, caseOf } from "../src/case-data.ts";
import { judgeTfjs } from "../src/index.ts";
import { issueText } from "../src/issue-text.ts";
import { judge, type OpEngine } from "../src/judgement.ts";
import { shrink, simpler } from "../src/shrinker.ts";
import { opRows } from "../src/suite.ts";
import { cpuEngine } from "./cpu-engine.ts";

let engine: OpEngine;
beforeAll(async () => {
  engine = await cpuEngine();
});

const rowOf = (op: string) => opRows().filter((row) => row.op === op);

/** The engine with one operation replaced. */
function planted(
  name: keyof Tfjs,
  fault: (sound: (...given: Tensor[]) => Tensor, given: Tensor[]) => Tensor,
): OpEngine {
  const sound = engine.tf[name] as (...given: Tensor[]) => Tensor;
  const tf = { ...engine.tf, [name]: (...given: Tensor[]) => fault(sound, given) } as Tfjs;
  return { ...engine, tf };
}

async function verdicts(judged: AsyncIterable<OpVerdict>): Promise<OpVerdict[]> {
  const all: OpVerdict[] = [];
  for await (const verdict of judged) all.push(verdict);
  return all;
}

describe("shrink", () => {
  it("offers shorter lists and smaller numbers, never larger ones", () => {
    expect(simpler(6)).toEqual([0, 1, 3, 5]);
    expect(simpler(-1)).toEqual([0, 1]);
    expect(simpler(0)).toEqual([]);
    expect(simpler(true)).toEqual([false]);
    expect(simpler([2, "NaN"])).toEqual([["NaN"], [2], [0, "NaN"], [1, "NaN"]]);
  });

  it("finds the smallest size that fails", async () => {
    const [row] = rowOf("tf.conv2d");
    const parameters = row?.cases.find(({ strides }) => strides === 2);
    if (row === undefined || parameters === undefined) throw new Error("no such case");
    const small = await shrink(caseOf(row, parameters), async ({ parameters: { strides } }) => Number(strides) >= 2, {
      tries: 1000,
      ms: 60_000,
    });
    expect(small.parameters).toMatchObject({ height: 1, width: 1, channels: 1, out: 1, strides: 2 });
    expect(small.inputs.every(({ values }) => values.every((value) => value === 0))).toBe(true);
  });

  it("stops when it has tried enough", async () => {
    const [row] = rowOf("tf.matMul");
    if (row?.cases[0] === undefined) throw new Error("no such case");
    let tries = 0;
    const never = async (): Promise<boolean> => {
      tries += 1;
      return false;
    };
    await shrink(caseOf(row, row.cases[0]), never, { tries: 5, ms: 60_000 });
    expect(tries).toBe(5);
  });
});

describe("judgeTfjs", () => {
  it("finds a planted fault and makes it as small as it gets", async () => {
    // Transposed where it is more than one column wide.
    const wrong = planted("transpose", (sound, given) =>
      (given[0]?.shape.at(-1) ?? 0) > 1 && given[0]?.rank === 2
        ? engine.tf.reshape(given[0], given[0].shape.toReversed())
        : sound(...given),
    );
    const found = await verdicts(judgeTfjs({ ...wrong, start: { judged: 0 }, rows: rowOf("tf.transpose") }));
    const [evidence] = found.flatMap((verdict) => verdict.evidence ?? []);
    expect(found.filter(({ problems }) => problems.length > 0).length).toBeGreaterThan(1);
    expect(evidence).toMatchObject({ kind: "wrong", part: "y", backend: "cpu" });
    expect(evidence?.testCase.parameters).toEqual({ shape: [2, 2], order: [1, 0] });
    expect(evidence?.code).toContain("const result = tf.transpose(x0, [1, 0]);");
  });

  it("finds a planted gradient, a throw, a missing kernel and a leak, and names each", async () => {
    const kinds = async (faulty: OpEngine, op: string): Promise<unknown[]> => {
      const found = await verdicts(judgeTfjs({ ...faulty, start: { judged: 0 }, rows: rowOf(op) }));
      return [...new Set(found.flatMap(({ evidence = [] }) => evidence.map(({ kind, part }) => `${part} ${kind}`)))];
    };
    const { tf } = engine;
    const twice = tf.customGrad((x) => ({ value: tf.square(x as Tensor), gradFunc: (dy) => tf.mul(dy as Tensor, 2) }));
    expect(
      await kinds(
        planted("square", (_, [x]) => twice(x as Tensor)),
        "tf.square",
      ),
    ).toEqual(["dx0 wrong"]);
    const throws = (message: string) => (): Tensor => {
      throw new Error(message);
    };
    expect(await kinds(planted("square", throws("no")), "tf.square")).toEqual(["y throws"]);
    const missing = throws("Kernel 'Square' not registered for backend 'cpu'");
    expect(await kinds(planted("square", missing), "tf.square")).toEqual(["y not-implemented"]);
    const leaking = planted("fill", (sound, given) => {
      tf.keep(tf.scalar(1));
      return sound(...given);
    });
    expect(await kinds(leaking, "tf.fill")).toEqual(["memory leaks"]);
  });

  it("judges cases that an earlier verdict named, and says what they give", async () => {
    const [row] = rowOf("tf.sign");
    if (row === undefined) throw new Error("no sign");
    const testCase = caseOf(row, { values: ["NaN", -2], times: 1 });
    const data = JSON.parse(JSON.stringify({ ...caseData(testCase), part: "y" })) as Record<string, unknown>;
    expect(caseFrom(opRows(), data).inputs[0]?.values).toEqual([Number.NaN, -2]);
    const [verdict] = await verdicts(judgeTfjs({ ...engine, start: { judged: 0, cases: [data] } }));
    expect(verdict?.evidence?.[0]).toMatchObject({ expected: "[NaN, -1]", found: "[0, -1]" });
    expect(() => caseFrom(opRows(), { ...data, op: "tf.nothing" })).toThrow(ThawError);
  });

  it("leaves no tensor behind", async () => {
    const before = engine.tf.memory().numTensors;
    for (const row of rowOf("tf.matMul"))
      for (const parameters of row.cases.slice(0, 3)) await judge(engine, caseOf(row, parameters));
    expect(engine.tf.memory().numTensors).toBe(before);
  });

  it("writes an issue that stands alone", async () => {
    const [verdict] = (await verdicts(judgeTfjs({ ...engine, start: { judged: 0 }, rows: rowOf("tf.sign") }))).filter(
      ({ problems }) => problems.length > 0,
    );
    const evidence = verdict?.evidence?.[0];
    if (evidence === undefined) throw new Error("no finding");
    const platform = { os: "Linux", arch: "x64", cores: 2, memoryBytes: 1 };
    const device = { kind: "cpu", name: "processor", software: false } as const;
    const environment = {
      runner: "cpu",
      engine: "tfjs-backend-cpu",
      device,
      settings: {},
      versions: { tfjs: "4.22.0" },
      platform,
    };
    const others = [{ backend: "webgl", found: "[NaN]", fine: true }];
    const text = issueText(evidence, { op: "tf.sign", environment, failing: 2, cases: 6, others });
    expect(text).toContain("# [cpu] tf.sign is wrong");
    expect(text).toContain('const x0 = tf.tensor([NaN], [1], "float32");\nconst result = tf.sign(x0);');
    expect(text).toContain("- tfjs 4.22.0");
    expect(text).toContain("| webgl | `[NaN]` | right |");
  });
});
