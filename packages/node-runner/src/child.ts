import { type Availability, deserializeError, serializeError, train } from "@thaw/core";
import { createHost, environmentOf, loadEngine } from "./host.ts";
import type { FromChild, ToChild } from "./messages.ts";
import { nodeSettings } from "./settings.ts";

// The process that loads libtensorflow: a crash here fails one cell and nothing else.

const cancellation = new AbortController();

function send(message: FromChild): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

function probe(settings: Parameters<typeof nodeSettings>[0]): Availability {
  try {
    const complete = nodeSettings(settings);
    return { ok: true, environment: environmentOf(loadEngine(complete), complete) };
  } catch (error) {
    const { code, message, hint } = serializeError(error);
    return { ok: false, code, reason: message, hint: hint ?? "Run `npm run setup` and read what it says." };
  }
}

async function handle(message: ToChild): Promise<void> {
  if (message.type === "cancel") {
    cancellation.abort();
    return;
  }
  if (message.type === "probe") {
    await send({ type: "available", availability: probe(message.settings) });
  } else {
    const host = createHost(message.options, cancellation.signal);
    for await (const event of train(message.plan, host)) await send({ type: "event", event });
  }
  await send({ type: "done" });
  process.disconnect();
}

process.on("message", (message: ToChild) => {
  handle(message).catch(async (error: unknown) => {
    await send({ type: "error", error: serializeError(deserializeError(serializeError(error))) });
    process.disconnect();
  });
});
process.on("SIGINT", () => undefined); // the runner decides: it sends "cancel" and waits
process.on("disconnect", () => process.exit());
