import { type Availability, type Environment, serializeError } from "@thaw/core";

/** Tries to describe an engine; a failure is the answer that it cannot run here, with the error's own hint. */
export async function availabilityOf(describe: () => Environment | Promise<Environment>): Promise<Availability> {
  try {
    return { ok: true, environment: await describe() };
  } catch (error) {
    const { code, message, hint } = serializeError(error);
    return { ok: false, code, reason: message, hint: hint ?? "Run `npm run setup` and read what it says." };
  }
}
