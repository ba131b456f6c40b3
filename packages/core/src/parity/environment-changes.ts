import { deviceLabel, type Environment } from "../runner/environment.ts";

/** Everything in an environment that may move a number, by a name that a person understands. */
function facts(environment: Environment): ReadonlyMap<string, string> {
  const { engine, device, adapter, settings, versions, platform } = environment;
  const entries: (readonly [string, unknown])[] = [
    ["engine", engine],
    ["device", deviceLabel(environment)],
    ["device kind", device.kind],
    ["driver", adapter?.driver],
    [
      "adapter",
      adapter === undefined ? undefined : [adapter.vendor, adapter.architecture, adapter.description].join(" "),
    ],
    ["adapter features", adapter === undefined ? undefined : [...adapter.features].sort().join(" ")],
    ...Object.entries(adapter?.limits ?? {}).map(([name, value]) => [`limit ${name}`, value] as const),
    ...Object.entries(settings).map(([name, value]) => [`setting ${name}`, value] as const),
    ...Object.entries(versions),
    ["system", `${platform.os} ${platform.arch}`],
    ["processors", platform.cores],
  ];
  return new Map(entries.filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]));
}

/** Longer values are lists: flags and features, of which only the difference is of interest. */
const LIST_LENGTH = 60;

function change(name: string, before: string, now: string): string {
  if (Math.max(before.length, now.length) <= LIST_LENGTH) return `${name}: ${before} → ${now}`;
  const [old, recent] = [before.split(" "), now.split(" ")];
  const gone = old.filter((word) => !recent.includes(word)).map((word) => `without ${word}`);
  const added = recent.filter((word) => !old.includes(word)).map((word) => `with ${word}`);
  return `${name}: ${[...gone, ...added].join(", ") || "another order"}`;
}

/**
 * Versions, flags, settings and devices that differ between two environments, a sentence each.
 * @param before null where the runner was missing
 */
export function environmentChanges(before: Environment | null, now: Environment | null): readonly string[] {
  if (before === null || now === null) return [];
  const [old, recent] = [facts(before), facts(now)];
  return [...new Set([...old.keys(), ...recent.keys()])]
    .filter((name) => old.get(name) !== recent.get(name))
    .map((name) => change(name, old.get(name) ?? "none", recent.get(name) ?? "none"));
}
