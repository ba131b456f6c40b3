import { clipped, environmentShape, eventShape, parseJson, ThawError } from "@thaw/core";
import { z } from "zod";
import type { FromChild } from "./messages.ts";

/** What a program in another language may say: it neither judges operations nor predicts. */
const messageShape = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("available"),
    availability: z.discriminatedUnion("ok", [
      z.object({ ok: z.literal(true), environment: environmentShape }),
      z.object({ ok: z.literal(false), code: z.string(), reason: z.string(), hint: z.string() }),
    ]),
  }),
  z.object({ type: z.literal("event"), event: eventShape }),
  z.object({ type: z.literal("alive") }),
  z.object({
    type: z.literal("error"),
    error: z.object({
      code: z.string().min(1),
      message: z.string(),
      hint: z.string().exactOptional(),
      details: z.record(z.string(), z.unknown()).exactOptional(),
    }),
  }),
  z.object({ type: z.literal("done") }),
]);

/** A line that is no message. */
export function protocolInvalid(runner: string, line: string, problem?: string): ThawError {
  const why = problem === undefined ? "" : ` (${clipped(problem)})`;
  return new ThawError(
    "protocol-invalid",
    `The program of runner "${runner}" wrote a line that is no message: ${clipped(line)}${why}`,
    { hint: "On stdout there may be messages alone, a JSON object a line; logs belong on stderr." },
  );
}

/**
 * Reads a line of a program's output.
 * @param runner its name, for messages
 * @throws ThawError `protocol-invalid`
 */
export function parseMessage(runner: string, line: string): FromChild {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch {
    throw protocolInvalid(runner, line);
  }
  const parsed = messageShape.safeParse(value);
  if (parsed.success) return value as FromChild;
  const [issue] = parsed.error.issues;
  const isKnown = issue?.path[0] !== "type";
  const problem = isKnown && issue !== undefined ? `${issue.path.map(String).join(".")}: ${issue.message}` : undefined;
  throw protocolInvalid(runner, line, problem);
}
