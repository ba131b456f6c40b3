import { ThawError } from "@thaw/core";

/**
 * Playwright servers that `THAW_BROWSER_WS` names, separated by commas; none where browsers are started here.
 * @throws ThawError `setting-invalid`
 */
export function browserEndpoints(env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const endpoints = (env.THAW_BROWSER_WS ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const invalid = endpoints.find((endpoint) => !/^wss?:/.test(endpoint) || !URL.canParse(endpoint));
  const twice = endpoints.find((endpoint, index) => endpoints.indexOf(endpoint) !== index);
  if (invalid === undefined && twice === undefined) return endpoints;
  const what = invalid === undefined ? `names ${twice} twice` : `"${invalid}" is no address of a Playwright server`;
  throw new ThawError("setting-invalid", `THAW_BROWSER_WS ${what}.`, {
    hint: "Give addresses such as ws://gpu-box:3000/, separated by commas, each once: a browser there runs one cell at a time.",
  });
}
