import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { openStore } from "@thaw/assets";
import { type Plan, type RunEvent, ThawError } from "@thaw/core";
import { contractPlan } from "@thaw/core/contract";
import { stdioRunner } from "@thaw/runner-kit";
import fc from "fast-check";
import { byteEdits, damagedBytes } from "../input/byte-edits.ts";
import { damagedDocument, documentEdits } from "../input/document-edits.ts";
import { sampleResults } from "../input/sample-results.ts";
import { workFolder } from "../input/work-folder.ts";
import { expectSame, MEGABYTE, oneFile, type Target, target } from "../target.ts";

/** What a program says of a real run, and of itself. */
function conversation(): { readonly probe: readonly unknown[]; readonly run: readonly unknown[] } {
  const [result] = sampleResults();
  if (result === undefined) throw new Error("There is no result to make messages of.");
  const { environment, trainable, epochs, final, predictions, certainty, digests, timing, memory, underTrained } =
    result;
  const events = [
    { type: "start", environment, trainable, totalSteps: 70 },
    { type: "warning", code: "slow", message: "It is slow." },
    { type: "step", epoch: 1, step: 1, loss: 1.5, ms: 20, images: 32 },
    ...epochs.slice(0, 1).map((epoch) => ({ type: "epoch", ...epoch })),
    {
      type: "end",
      outcome: { trainable, epochs, final, predictions, certainty, digests, timing, memory, underTrained },
    },
  ];
  return {
    probe: [{ type: "available", availability: { ok: true, environment } }, { type: "done" }],
    run: [...events.map((event) => ({ type: "event", event })), { type: "done" }],
  };
}

interface Input {
  readonly asked: "probe" | "run";
  readonly lines: Uint8Array;
}

function linesOf(messages: readonly string[]): Uint8Array {
  return new TextEncoder().encode(messages.map((message) => `${message}\n`).join(""));
}

function texts(lines: Uint8Array): readonly string[] {
  return Buffer.from(lines)
    .toString("utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
}

/** Whether a program's lines have an error of this code. */
function saysError(lines: Uint8Array, code: string): boolean {
  const said = Buffer.from(lines.buffer, lines.byteOffset, Math.min(lines.length, MEGABYTE)); // not all of an endless line
  return texts(said).some((line) => line.includes('"error"') && line.includes(JSON.stringify(code)));
}

const CODES = ["protocol-invalid", "runner-crashed", "cancelled", "own-error"];

/**
 * Programs that speak JSON lines, in any language: here `cat` says what a file holds. What is passed on are the file's
 * events, in their order, and nothing else.
 */
export function runnerTarget(): Target {
  const said = conversation();
  const folder = workFolder();
  const file = join(folder, "messages");
  const runner = stdioRunner({
    name: "fuzz",
    checkSettings: (settings) => settings,
    command: () => ({ file: "cat", args: [file] }),
    crashHint: "ask its maker.",
  });
  let plan: Promise<Plan> | undefined;
  const asked = fc.constantFrom("probe" as const, "run" as const);
  const error = { type: "error", error: { code: "own-error", message: "It failed.", hint: "Try again." } };
  return target<Input>({
    name: "runner-messages",
    share: 2,
    codes: CODES,
    growthBytes: 192 * MEGABYTE,
    inputs: fc.oneof(
      {
        weight: 1,
        arbitrary: asked.map((asked) => ({ asked, lines: linesOf(said[asked].map((line) => JSON.stringify(line))) })),
      },
      {
        weight: 12,
        arbitrary: fc.tuple(asked, fc.nat(20), documentEdits).map(([asked, place, edits]) => {
          const whole = said[asked];
          const chosen = place % whole.length;
          const lines = whole.map((line, index) =>
            index === chosen ? damagedDocument(line, edits) : JSON.stringify(line),
          );
          return { asked, lines: linesOf(lines) };
        }),
      },
      {
        weight: 4,
        arbitrary: fc.tuple(asked, byteEdits).map(([asked, edits]) => ({
          asked,
          lines: damagedBytes(linesOf(said[asked].map((line) => JSON.stringify(line))), edits, []),
        })),
      },
      {
        weight: 2,
        arbitrary: fc
          .tuple(asked, documentEdits)
          .map(([asked, edits]) => ({ asked, lines: linesOf([damagedDocument(error, edits)]) })),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(asked, fc.constantFrom(1000, MEGABYTE, 200 * MEGABYTE)).map(([asked, size]) => ({
          asked,
          lines: new Uint8Array(size).fill(97), // no line ever ends
        })),
      },
    ),
    async read({ asked, lines }) {
      writeFileSync(file, lines);
      try {
        if (asked === "probe") return await runner.probe();
        plan ??= contractPlan(openStore(folder), {});
        const events: RunEvent[] = [];
        for await (const event of runner.run(await plan, { storeDir: folder, settings: {} })) events.push(event);
        const messages = texts(lines).map((line) => JSON.parse(line) as { type: string; event: RunEvent });
        const end = messages.findIndex(({ type }) => type === "done");
        const expected = messages.slice(0, end).flatMap(({ type, event }) => (type === "event" ? [event] : []));
        expectSame("events", events, expected, isDeepStrictEqual(events, expected));
        const outcome = events.find(({ type }) => type === "end");
        expectSame("an end", events.at(-1)?.type, "end", outcome !== undefined);
        return events;
      } catch (thrown) {
        // A code of the program's own is passed on as it is.
        const own = thrown instanceof ThawError && saysError(lines, thrown.code);
        if (!own) throw thrown;
        throw new ThawError("own-error", thrown.message.slice(0, 100), { hint: "–" });
      }
    },
    files: ({ lines }) => oneFile("messages", lines),
  });
}
