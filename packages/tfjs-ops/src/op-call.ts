import type { Tensor } from "@tensorflow/tfjs-core";
import type { Tfjs } from "@thaw/core";

/** Stands for an input of the case. */
export interface InputMark {
  readonly $input: number;
}

/** An argument of a call: plain data, inputs, further calls, and lists or objects of these. */
export type Argument =
  | null
  | undefined
  | boolean
  | number
  | string
  | InputMark
  | Call
  | readonly Argument[]
  | { readonly [key: string]: Argument };

/** A call of tfjs as data: it can be made, and printed as the code that makes it. */
export interface Call {
  /** Below `tf`: `image.resizeBilinear`. */
  readonly fn: string;
  readonly args: readonly Argument[];
  /** Which of several results: an index or a name. */
  readonly pick?: number | string;
}

/** The case's input number `index`. */
export function x(index: number): InputMark {
  return { $input: index };
}

/** A call of `tf.<fn>`. */
export function call(fn: string, ...args: readonly Argument[]): Call {
  return { fn, args };
}

/** One of a call's several results. */
export function pick(which: number | string, of: Call): Call {
  return { ...of, pick: which };
}

function isInput(argument: object): argument is InputMark {
  return "$input" in argument;
}

function isCall(argument: object): argument is Call {
  return "fn" in argument && "args" in argument;
}

function isList(argument: Argument): argument is readonly Argument[] {
  return Array.isArray(argument);
}

/** Makes a call; errors are tfjs's own. */
export function makeCall(tf: Tfjs, { fn, args, pick: which }: Call, inputs: readonly Tensor[]): Tensor {
  const value = (argument: Argument): unknown => {
    if (isList(argument)) return argument.map(value);
    if (typeof argument !== "object" || argument === null) return argument;
    if (isInput(argument)) return inputs[argument.$input];
    if (isCall(argument)) return makeCall(tf, argument, inputs);
    return Object.fromEntries(Object.entries(argument).map(([key, entry]) => [key, value(entry)]));
  };
  const path = fn.split(".");
  const owner = path.slice(0, -1).reduce<unknown>((object, key) => (object as Record<string, unknown>)[key], tf);
  const functions = owner as Record<string, (...given: readonly unknown[]) => unknown>;
  const result = functions[path.at(-1) ?? ""]?.(...args.map(value));
  return (which === undefined ? result : (result as Record<number | string, unknown>)[which]) as Tensor;
}

/** A number as JavaScript writes it, -0 too. */
export function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/**
 * Prints a call as code.
 * @param name of an input
 */
export function callText({ fn, args, pick: which }: Call, name: (index: number) => string): string {
  const text = (argument: Argument): string => {
    if (isList(argument)) return `[${argument.map(text).join(", ")}]`;
    if (typeof argument === "number") return numberText(argument);
    if (argument === undefined) return "undefined";
    if (typeof argument !== "object" || argument === null) return JSON.stringify(argument);
    if (isInput(argument)) return name(argument.$input);
    if (isCall(argument)) return callText(argument, name);
    return `{ ${Object.entries(argument)
      .map(([key, entry]) => `${key}: ${text(entry)}`)
      .join(", ")} }`;
  };
  const picked = which === undefined ? "" : typeof which === "number" ? `[${which}]` : `.${which}`;
  return `tf.${fn}(${args.map(text).join(", ")})${picked}`;
}
