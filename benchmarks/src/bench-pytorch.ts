import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import type { Runner } from "@thaw/core";
import { integer, settingsOf, stdioRunner } from "@thaw/runner-kit";

/** How PyTorch is set up. */
interface PyTorchSettings {
  /** 0 for all that there are. */
  readonly threads: number;
}

/** `thaw_torch`, and `thaw_keras`, from which it has all that is not PyTorch. */
const PACKAGES = ["../python", "../../packages/keras-runner/python"].map((folder) =>
  fileURLToPath(new URL(folder, import.meta.url)),
);

/** The baseline `pytorch`: MobileNetV2 in PyTorch, channels last, on the processor. It only trains. */
export function createRunner(): Runner {
  const table = { threads: integer(0, 0, 256) };
  return stdioRunner({
    name: "pytorch",
    checkSettings: (settings) => ({ ...settingsOf<PyTorchSettings>("pytorch", table, settings) }),
    command: () => ({
      file: process.env.THAW_TORCH_PYTHON || "python3",
      args: ["-B", "-m", "thaw_torch"],
      env: { PYTHONPATH: PACKAGES.join(delimiter), PYTHONUNBUFFERED: "1" },
    }),
    crashHint: "THAW_TORCH_PYTHON names another Python that has PyTorch.",
  });
}
