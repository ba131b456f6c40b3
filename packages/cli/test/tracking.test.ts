import { PassThrough } from "node:stream";
import { type RunEvent, ThawError } from "@thaw/core";
import { beforeEach, describe, expect, it } from "vitest";
import type { TrackedCell, Tracker } from "../src/tracking/tracker.ts";
import { Tracking } from "../src/tracking/tracking.ts";

const CELL = { cell: "small-node-1" } as TrackedCell;
const WARNING: RunEvent = { type: "warning", code: "hot", message: "It is hot." };
const FULL = new ThawError("result-unwritable", "The disk is full.", { hint: "Free some space." });
const FAILURE = { failure: { code: "cancelled", message: "The run was cancelled." } };

let calls: string[];
let output: PassThrough;

/** A tracker that writes down what it is told, and fails where it is told to. */
function tracker(name: string, failsAt?: "begin" | "event" | "end" | "close"): Tracker {
  const told = (what: "begin" | "event" | "end" | "close", detail = ""): void => {
    calls.push(`${name} ${what}${detail}`);
    if (what === failsAt) throw FULL;
  };
  return {
    name,
    begin: () => told("begin"),
    event: ({ type }) => told("event", ` ${type}`),
    end: (ending) => told("end", "failure" in ending ? ` ${ending.failure.code}` : ""),
    close: () => told("close"),
  };
}

const printed = (): string => String(output.read() ?? "");

beforeEach(() => {
  calls = [];
  output = new PassThrough();
});

describe("the trackers of a command", () => {
  it("are all told of a cell, in order", async () => {
    const tracking = new Tracking([tracker("a"), tracker("b")], output);
    await tracking.begin(CELL);
    tracking.event(WARNING);
    await tracking.end(FAILURE);
    await tracking.close();
    const each = (what: string): string[] => [`a ${what}`, `b ${what}`];
    expect(calls).toEqual(["begin", "event warning", "end cancelled", "close"].flatMap(each));
    expect([tracking.lost, printed()]).toEqual([false, ""]);
  });

  it("keep a cell from running that one of them cannot record, and end what the others began", async () => {
    const tracking = new Tracking([tracker("a"), tracker("b", "begin"), tracker("c")], output);
    await expect(tracking.begin(CELL)).rejects.toThrow("The disk is full.");
    expect(calls).toEqual(["a begin", "b begin", "a end result-unwritable"]);
  });

  it("cost a running cell nothing where one fails; it is told once, and takes part in the next cell", async () => {
    const tracking = new Tracking([tracker("a", "event"), tracker("b")], output);
    await tracking.begin(CELL);
    tracking.event(WARNING);
    tracking.event(WARNING);
    await tracking.end(FAILURE);
    expect(calls).toEqual([
      "a begin",
      "b begin",
      "a event warning",
      "b event warning",
      "b event warning",
      "b end cancelled",
    ]);
    expect(tracking.lost).toBe(true);
    expect(printed()).toBe("small-node-1: a lost data (result-unwritable): The disk is full. Free some space.\n");
    await tracking.begin(CELL);
    expect(calls.at(-2)).toBe("a begin");
  });

  it.each(["end", "close"] as const)("are all told of the %s where one of them fails at it", async (what) => {
    const tracking = new Tracking([tracker("a", what), tracker("b")], output);
    await tracking.begin(CELL);
    await tracking.end(FAILURE);
    await tracking.close();
    expect(calls).toContain(`b ${what === "end" ? "end cancelled" : "close"}`);
    expect([tracking.lost, printed().includes("The disk is full.")]).toEqual([true, true]);
  });

  it("say which of them do not hear of a cell again", () => {
    const table = { ...tracker("table"), doneBefore: (cell: TrackedCell) => void calls.push(`table has ${cell.cell}`) };
    new Tracking([tracker("a"), table, tracker("b")], output).doneBefore(CELL, {} as never);
    expect(calls).toEqual(["table has small-node-1"]);
    expect(printed()).toBe("small-node-1: done before, not sent again to a, b\n");
  });
});
