import { deviceLabel, type Environment, type Runner, type RunnerPlace, serializeError } from "@thaw/core";
import { requireRunner } from "./required-runner.ts";
import type { SettingsOf } from "./settings.ts";

/** Where the cells of a runner may run. */
export type PlacesOf = (runner: Runner) => readonly RunnerPlace[];

function tell(name: string, environment: Environment): void {
  const { engine, device } = environment;
  const why = device.note === undefined ? "" : `; no GPU: ${device.note}`;
  process.stderr.write(`runner ${name}: ${engine} on ${deviceLabel(environment)}${why}\n`);
}

/** Those of a runner's places that can run, each told with its device; the others are told with their reasons. */
async function availablePlaces(
  { name, places = [] }: Runner,
  settingsOf: SettingsOf,
  requireHardware: boolean,
): Promise<readonly RunnerPlace[]> {
  const probes = places.map((place) => requireRunner(place.runner, settingsOf(name), requireHardware));
  const endings = await Promise.allSettled(probes);
  const there = places.filter((place, at) => {
    const ending = endings[at];
    if (ending === undefined) return false;
    if (ending.status === "fulfilled") tell(`${name} at ${place.name}`, ending.value);
    else process.stderr.write(`${name} at ${place.name} is left out: ${serializeError(ending.reason).message}\n`);
    return ending.status === "fulfilled";
  });
  const [first] = endings;
  if (there.length === 0 && first?.status === "rejected") throw first.reason;
  return there;
}

/**
 * Looks for every runner that is asked for, and says what it runs on.
 * @throws ThawError of {@link requireRunner} for a runner that can run nowhere
 */
export async function openPlaces(
  runners: readonly Runner[],
  settingsOf: SettingsOf,
  requireHardware: boolean,
): Promise<PlacesOf> {
  const found = new Map<Runner, readonly RunnerPlace[]>();
  for (const runner of runners) {
    if (runner.places !== undefined) found.set(runner, await availablePlaces(runner, settingsOf, requireHardware));
    else tell(runner.name, await requireRunner(runner, settingsOf(runner.name), requireHardware));
  }
  return (runner) => found.get(runner) ?? [{ name: runner.name, runner }];
}
