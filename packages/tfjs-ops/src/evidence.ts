import type { OpEvidence } from "@thaw/core";
import { caseData } from "./case-data.ts";
import { differentiable, type PartResult, projection, type TfjsCase } from "./judgement.ts";
import { callText, numberText } from "./op-call.ts";
import type { CaseInput } from "./op-row.ts";
import type { Tensor64 } from "./tensor64.ts";

const MOST_VALUES = 40;

/** Lines that make a backend the active one, as a page or a program of one's own would. */
const SETUPS: Readonly<Record<string, readonly string[]>> = {
  cpu: ['import * as tf from "@tensorflow/tfjs";', 'await tf.setBackend("cpu");'],
  webgl: [
    'import * as tf from "@tensorflow/tfjs";',
    'tf.env().set("WEBGL_CPU_FORWARD", false); // small tensors are else computed on the CPU backend',
    'await tf.setBackend("webgl");',
  ],
  webgpu: [
    'import * as tf from "@tensorflow/tfjs";',
    'import "@tensorflow/tfjs-backend-webgpu";',
    'tf.env().set("WEBGPU_CPU_FORWARD", false); // small tensors are else computed on the CPU backend',
    'await tf.setBackend("webgpu");',
  ],
  wasm: [
    'import * as tf from "@tensorflow/tfjs";',
    'import "@tensorflow/tfjs-backend-wasm";',
    'await tf.setBackend("wasm");',
  ],
  tensorflow: ['import * as tf from "@tensorflow/tfjs-node";'],
};

/** Numbers as float32 would be read: 9 digits say everything. */
function digits(value: number): string {
  return numberText(Number.isFinite(value) && !Number.isInteger(value) ? Number(value.toPrecision(9)) : value);
}

/** A list of numbers, cut where it is long. */
export function valuesText(values: ArrayLike<number> | null): string {
  if (values === null) return "an error";
  const list = Array.from(values).slice(0, MOST_VALUES).map(digits);
  return `[${list.join(", ")}${values.length > MOST_VALUES ? `, … ${values.length} values` : ""}]`;
}

function tensorText({ shape, dtype, values }: CaseInput): string {
  if (shape.length === 0) return `tf.scalar(${digits(values[0] ?? 0)}, "${dtype}")`;
  return `tf.tensor([${values.map(digits).join(", ")}], [${shape.join(", ")}], "${dtype}")`;
}

/** What the reference gives for a case. */
export function resultOf({ row, parameters, inputs }: TfjsCase): Tensor64 {
  return row.reference(
    inputs.map(({ shape, values }) => ({ shape, data: values })),
    parameters,
  );
}

/** Self-contained code that shows one part of a case on a backend. */
export function reproduction(backend: string, testCase: TfjsCase, part: string): string {
  const { row, parameters, inputs } = testCase;
  const name = (index: number): string => `x${index}`;
  const lines = [
    ...(SETUPS[backend] ?? ['import * as tf from "@tensorflow/tfjs";', `await tf.setBackend("${backend}");`]),
    "",
  ];
  for (const [index, input] of inputs.entries()) lines.push(`const ${name(index)} = ${tensorText(input)};`);
  const call = callText(row.call(parameters), name);
  if (part.startsWith("dx")) {
    const which = Number(part.slice(2));
    const y = resultOf(testCase);
    const dy: CaseInput = { shape: y.shape, dtype: "float32", values: [...projection(y.data.length)] };
    lines.push(`const dy = ${tensorText(dy)};`, `const result = tf.grad((x${which}) => ${call})(x${which}, dy);`);
  } else {
    lines.push(`const result = ${call};`);
  }
  lines.push("console.log(result.shape, result.dtype, await result.data());");
  return lines.join("\n");
}

/** What someone needs to file one part of a case. */
export function evidenceOf(
  backend: string,
  testCase: TfjsCase,
  { part, problem, expected, found }: PartResult,
): OpEvidence {
  return {
    kind: problem?.kind ?? "fine",
    backend,
    part,
    text: problem?.text ?? "",
    testCase: { ...caseData(testCase), part },
    code: reproduction(backend, testCase, part),
    expected: valuesText(expected),
    found: problem !== null && found === null ? problem.text : valuesText(found),
  };
}

/** What someone needs to file a case that took its engine along: which of its parts did is not known. */
export function evidenceOfLost(backend: string, testCase: TfjsCase, problem: string): OpEvidence {
  const part = differentiable(testCase)[0];
  return {
    kind: "lost",
    backend,
    part: "y",
    text: `the engine was lost: ${problem}`,
    testCase: caseData(testCase),
    code: reproduction(backend, testCase, part === undefined ? "y" : `dx${part}`),
    expected: valuesText(resultOf(testCase).data),
    found: problem,
  };
}
