import { fileURLToPath } from "node:url";
import type { Runner } from "@thaw/core";
import { flag, integer, settingsOf, stdioRunner } from "@thaw/runner-kit";

/** How libtensorflow is set up under stock tfjs-layers. */
export interface StockSettings {
  /** 0 for all that there are. */
  readonly threads: number;
  readonly oneDnn: boolean;
}

/** The baseline `stock`: tfjs-layers' `model.fit` on the libtensorflow that runner `node` has. It only trains. */
export function createRunner(): Runner {
  const table = { threads: integer(0, 0, 256), oneDnn: flag(true) };
  return stdioRunner({
    name: "stock",
    checkSettings: (settings) => ({ ...settingsOf<StockSettings>("stock", table, settings) }),
    command: () => ({
      file: process.execPath,
      args: [
        "--import",
        "tsx",
        "--conditions=source",
        fileURLToPath(new URL("./bench-stock-program.ts", import.meta.url)),
      ],
    }),
    crashHint: "`thaw doctor` checks libtensorflow.",
  });
}
