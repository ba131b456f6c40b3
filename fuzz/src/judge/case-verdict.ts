import { ThawError } from "@thaw/core";
import { type Target, WrongResult } from "../target.ts";
import { watchMemory } from "./memory.ts";
import { foreignPrototype, pollutedRoots } from "./pollution.ts";

/** What became of one case. */
export interface CaseVerdict {
  readonly status: "accepted" | "refused" | "finding";
  /** Code of a refusal; of a finding its kind. */
  readonly code: string;
  /** What was found, in words. */
  readonly what?: string;
  readonly ms: number;
  readonly growthBytes: number;
}

/** Longer messages repeat the file. */
const MOST_MESSAGE = 20_000;

/** On a machine with other work; a case takes milliseconds. */
const MOST_MS = 30_000;

type Judged = Pick<CaseVerdict, "status" | "code" | "what">;

function finding(code: string, what: string): Judged {
  return { status: "finding", code, what };
}

function judgeError(error: unknown, codes: readonly string[]): Judged {
  if (error instanceof WrongResult) return finding("wrong-result", error.message);
  if (!(error instanceof ThawError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return finding("no-code", stack.split("\n").slice(0, 6).join("\n").slice(0, 1500));
  }
  const { code, message, hint } = error;
  if (!codes.includes(code)) return finding("foreign-code", `${code}: ${message.slice(0, 600)}`);
  if (message.length > MOST_MESSAGE)
    return finding("long-message", `${code}: a message of ${message.length} characters`);
  if (hint === undefined || hint === "") return finding("no-hint", `${code}: ${message.slice(0, 300)}`);
  return { status: "refused", code };
}

async function judgeReading<Input>(target: Target<Input>, input: Input): Promise<Judged> {
  try {
    const value = await target.read(input);
    const foreign = foreignPrototype(value);
    return foreign === undefined ? { status: "accepted", code: "" } : finding("pollution", foreign);
  } catch (error) {
    return judgeError(error, target.codes);
  }
}

/** Reads one input and says what became of it. */
export async function judgeCase<Input>(target: Target<Input>, input: Input): Promise<CaseVerdict> {
  const memory = watchMemory();
  const startedMs = performance.now();
  const judged = await judgeReading(target, input);
  const ms = performance.now() - startedMs;
  const growthBytes = memory.growthBytes();
  const polluted = pollutedRoots();
  if (polluted !== undefined) return { ...finding("pollution", polluted), ms, growthBytes };
  if (judged.status !== "finding" && growthBytes > target.growthBytes) {
    return {
      ...finding("allocation", `${growthBytes} bytes were taken, at most ${target.growthBytes} may be`),
      ms,
      growthBytes,
    };
  }
  if (judged.status !== "finding" && ms > MOST_MS)
    return { ...finding("slow", `it took ${ms.toFixed(0)} ms`), ms, growthBytes };
  return { ...judged, ms, growthBytes };
}
