import { findOnPath } from "./machine.mjs";
import { SetupError } from "./setup-error.mjs";

const OLDEST_NODE = [20, 19];

/**
 * @param {import("./machine.mjs").Machine} machine
 * @returns {string} such as "Node 20.19.0, npx"
 */
export function requireNode(machine) {
  const [major = 0, minor = 0] = machine.nodeVersion.split(".").map(Number);
  if (major < (OLDEST_NODE[0] ?? 0) || (major === OLDEST_NODE[0] && minor < (OLDEST_NODE[1] ?? 0))) {
    throw new SetupError(
      "node-too-old",
      `This is Node ${machine.nodeVersion}, and Thaw needs ${OLDEST_NODE.join(".")} or newer.`,
      "Install a current Node (20, 22 or 24) from https://nodejs.org or with your version manager.",
    );
  }
  if (findOnPath("npx", machine.env) === undefined) {
    throw new SetupError(
      "npx-missing",
      "npx is not on PATH; set-up starts pnpm with it.",
      "It comes with npm. On Debian and Ubuntu with Node from the distribution: apt install npm.",
    );
  }
  return `Node ${machine.nodeVersion}, npx`;
}
