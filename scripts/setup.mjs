/**
 * Makes a fresh checkout ready to run: JavaScript dependencies, libtensorflow with its addon, a browser, built
 * packages, with `--keras` a Python with Keras, with `--trackers` one with the servers that tests of tracking start. Needs
 * nothing but Node; says what else is missing. Safe to run again (then it only checks) and to kill at any moment.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { installNative, requireNativeTools, seemsInstalled } from "./native/install.mjs";
import { installOwnKernels } from "./native/own-kernels.mjs";
import { chooseVariant } from "./native/variant.mjs";
import { provideChromium } from "./setup/chromium.mjs";
import { installDependencies } from "./setup/dependencies.mjs";
import { provideDeployLinters } from "./setup/deploy-linters.mjs";
import { provideKeras } from "./setup/keras.mjs";
import { acquireLock } from "./setup/lock.mjs";
import { thisMachine } from "./setup/machine.mjs";
import { provideModelReaders } from "./setup/model-readers.mjs";
import { buildPackages } from "./setup/packages-build.mjs";
import { requireNode } from "./setup/requirements.mjs";
import { describeError, SetupError } from "./setup/setup-error.mjs";
import { stepPrinter } from "./setup/steps.mjs";
import { provideTrackingServers } from "./setup/tracking-servers.mjs";

/** @typedef {import("./setup/machine.mjs").Machine} Machine */

/**
 * @param {Machine} [machine]
 * @param {{ keras?: boolean, trackers?: boolean, readers?: boolean, linters?: boolean }} [parts] keras: also what the tests and the runner
 *   `keras` need; trackers: also what tests of tracking need; readers: also what the tests of exported models need;
 *   linters: also what checks deploy/
 * @returns {Promise<void>}
 * @throws {SetupError} with what is missing and how to install it
 */
export async function setUp(
  machine = thisMachine(),
  { keras = false, trackers = false, readers = false, linters = false } = {},
) {
  const { step, done } = stepPrinter(machine.say);
  machine.say("set-up");
  const node = requireNode(machine);
  await withSetupLock(machine, async (locked) => {
    const choice = await chooseVariant(locked);
    await step("requirements", async () => {
      if (seemsInstalled(locked, choice)) return node;
      const { compiler, python } = await requireNativeTools(locked, choice);
      return [node, compiler.version, python].filter((part) => part !== "").join(", ");
    });
    await step("JavaScript dependencies", () => installDependencies(locked));
    await step("libtensorflow and addon", () => installNative(locked, choice));
    await step("own kernels", () => installOwnKernels(locked, choice));
    await step("browser", () => provideChromium(locked));
    if (keras) await step("Keras", () => provideKeras(locked));
    if (trackers) await step("MLflow and TensorBoard", () => provideTrackingServers(locked));
    if (readers) await step("readers of models", () => provideModelReaders(locked));
    if (linters) await step("linters of deploy/", () => provideDeployLinters(locked));
    await step("build", () => buildPackages(locked));
    done();
  });
}

/**
 * Runs `work` while no other set-up runs on this cache.
 * @param {Machine} machine
 * @param {(locked: Machine) => Promise<void>} work its commands must be started through the machine that it is given
 */
export async function withSetupLock(machine, work) {
  makeCacheFolder(machine.cacheFolder);
  const lock = await acquireLock(join(machine.cacheFolder, "setup.lock"), {
    onWait: ({ pid, host }) =>
      machine.say(`        another set-up (process ${pid} on ${host}) is running: waiting for it`),
  });
  try {
    await work({
      ...machine,
      run: (command, args, options) => machine.run(command, args, { ...options, onChild: lock.add }),
    });
  } finally {
    lock.release();
  }
}

function makeCacheFolder(/** @type {string} */ folder) {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new SetupError(
      "cache-unusable",
      `The cache folder ${folder} cannot be made: ${/** @type {Error} */ (error).message}.`,
      "Set THAW_CACHE to a folder that you may write to.",
    );
  }
}

/** @returns {Promise<{ keras: boolean, trackers: boolean, readers: boolean, linters: boolean }>} */
async function partsAskedFor(/** @type {readonly string[]} */ args) {
  const has = (/** @type {string} */ part) => args.includes(`--${part}`);
  const unknown = args.find((arg) => !["--keras", "--trackers", "--readers", "--linters"].includes(arg));
  if (unknown === undefined) {
    return { keras: has("keras"), trackers: has("trackers"), readers: has("readers"), linters: has("linters") };
  }
  throw new SetupError(
    "argument-unknown",
    `The set-up knows no ${unknown}.`,
    "It takes --keras: install Keras, too; --trackers: MLflow and TensorBoard, --readers: ONNX Runtime, --linters: what checks deploy/, all three for tests.",
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  partsAskedFor(process.argv.slice(2))
    .then((parts) => setUp(thisMachine(), parts))
    .catch((error) => {
      console.error(describeError(error));
      process.exitCode = 1;
    });
}
