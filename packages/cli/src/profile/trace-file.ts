import type { ProfiledStep, ProfileSpan, RunProfile } from "@thaw/core";

/** An event of the trace event format, times in µs. */
export type TraceEvent =
  | {
      readonly ph: "M";
      readonly name: "process_name" | "thread_name";
      readonly pid: number;
      readonly tid: number;
      readonly args: { readonly name: string };
    }
  | {
      readonly ph: "X";
      readonly name: string;
      readonly cat: string;
      readonly ts: number;
      readonly dur: number;
      readonly pid: number;
      readonly tid: number;
      readonly args: Readonly<Record<string, string | number>>;
    }
  | {
      readonly ph: "C";
      readonly name: string;
      readonly cat: string;
      readonly ts: number;
      readonly pid: number;
      readonly tid: number;
      readonly args: Readonly<Record<string, number>>;
    };

const HERE = { pid: 1, tid: 1 } as const;

/** Whole nanoseconds, so that spans that touch do so after rounding too. */
function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}

function complete(
  name: string,
  { startMs, ms }: Pick<ProfileSpan, "startMs" | "ms">,
  cat: string,
  args: Readonly<Record<string, string | number>>,
): TraceEvent {
  const from = nanoseconds(startMs);
  return { ph: "X", name, cat, ts: from / 1e3, dur: (nanoseconds(startMs + ms) - from) / 1e3, ...HERE, args };
}

function stepEvents(whole: ProfiledStep, name: string): TraceEvent[] {
  const { step, epoch, images, passes, layers, calls } = whole;
  return [
    complete(name, whole, "step", { step, epoch, images }),
    ...passes.map((part) => complete(part.pass, part, part.pass, {})),
    ...layers.map((span) => complete(span.layer, span, span.pass, {})),
    ...calls.map((call) => {
      const { kernel, layer, tensors, bytes, deviceMs } = call;
      const device = deviceMs === undefined ? {} : { deviceMs };
      return complete(kernel, call, call.pass, { layer: layer ?? "", tensors, bytes, ...device });
    }),
    ...calls.map(
      ({ startMs, ms, bytes, pass }): TraceEvent => ({
        ph: "C",
        name: "live tensors, bytes",
        cat: pass,
        ts: nanoseconds(startMs + ms) / 1e3,
        ...HERE,
        args: { bytes },
      }),
    ),
  ];
}

/** By start; what begins at once, the longest first, as it holds the others. */
function inOrder(a: TraceEvent, b: TraceEvent): number {
  const [from, to] = ["ts" in a ? a.ts : 0, "ts" in b ? b.ts : 0];
  const [length, other] = ["dur" in a ? a.dur : 0, "dur" in b ? b.dur : 0];
  return from - to || other - length;
}

/**
 * A profile in the trace event format, for Perfetto and chrome://tracing: steps hold parts, parts layers, layers
 * kernels; the memory is a counter.
 * @see https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (Trace Event Format)
 */
export function traceFile(profile: RunProfile, runner: string): string {
  const { steps, evaluation } = profile;
  const events = steps.flatMap((step) => stepEvents(step, `step ${step.step}`));
  if (evaluation !== null) events.push(...stepEvents(evaluation, "evaluation"));
  const names: TraceEvent[] = [
    { ph: "M", name: "process_name", ...HERE, args: { name: `thaw on ${runner}` } },
    { ph: "M", name: "thread_name", ...HERE, args: { name: "training loop" } },
  ];
  const lines = [...names, ...events.sort(inOrder)].map((event) => JSON.stringify(event));
  return `{"displayTimeUnit":"ms","traceEvents":[\n${lines.join(",\n")}\n]}\n`;
}
