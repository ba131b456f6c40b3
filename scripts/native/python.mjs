import { SetupError } from "../setup/setup-error.mjs";

/**
 * @param {import("../setup/machine.mjs").Machine} machine
 * @returns {string} the Python to call
 */
export function pythonOf(machine) {
  return machine.env.THAW_PYTHON || "python3";
}

/**
 * @param {import("../setup/machine.mjs").Machine} machine
 * @returns {Promise<string>} such as "Python 3.11.7, pip 23.2.1"
 */
export async function requirePip(machine) {
  const python = pythonOf(machine);
  const version = await machine.run(python, ["--version"]);
  if (version.status !== 0) {
    throw new SetupError(
      "python-missing",
      `Python 3 is needed to fetch libtensorflow from its wheel, and "${python}" does not start.`,
      "On Debian and Ubuntu: apt install python3 python3-pip. Or set THAW_PYTHON to a Python 3 that has pip.",
    );
  }
  const pip = await machine.run(python, ["-m", "pip", "--version"]);
  if (pip.status !== 0) {
    throw new SetupError(
      "pip-missing",
      `pip is needed to fetch libtensorflow from its wheel, and "${python} -m pip" does not start.`,
      "On Debian and Ubuntu: apt install python3-pip. Or set THAW_PYTHON to a Python 3 that has pip.",
    );
  }
  const name = `${version.stdout}${version.stderr}`.trim();
  return `${name}, pip ${/^pip (\S+)/.exec(pip.stdout)?.[1] ?? "of unknown version"}`;
}
