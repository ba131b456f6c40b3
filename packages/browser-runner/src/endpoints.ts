import { ThawError } from "@thaw/core";

/** Where a server is, without what lets one in: a user, a password, Playwright's secret path. */
export function placeOf(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).origin : "the address in THAW_BROWSER_WS";
}

/**
 * Playwright servers that `THAW_BROWSER_WS` names, separated by commas; none where browsers are started here.
 * @throws ThawError `setting-invalid`
 */
export function browserEndpoints(env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const endpoints = (env.THAW_BROWSER_WS ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const invalid = endpoints.findIndex((endpoint) => !/^wss?:/.test(endpoint) || !URL.canParse(endpoint));
  const twice = endpoints.find((endpoint, index) => endpoints.indexOf(endpoint) !== index);
  if (invalid < 0 && twice === undefined) return endpoints;
  // An address may have a password: none is printed whole.
  const what =
    invalid < 0 ? `names ${placeOf(twice ?? "")} twice` : `has no address of a server in place ${invalid + 1}`;
  throw new ThawError("setting-invalid", `THAW_BROWSER_WS ${what}.`, {
    hint: "Give addresses such as ws://gpu-box:3000/, separated by commas, each once: a browser there runs one cell at a time.",
  });
}

/** What places are called: where their servers are, and which one of several at an address. */
export function placeNames(endpoints: readonly string[]): readonly string[] {
  const origins = endpoints.map(placeOf);
  return origins.map((origin, at) => {
    const before = origins.slice(0, at).filter((other) => other === origin).length;
    return before === 0 ? origin : `${origin} (${before + 1})`;
  });
}
