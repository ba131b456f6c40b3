import type { SerializedError } from "@thaw/core";

/** What the shell is told. */
export const EXIT = {
  fine: 0,
  parityFailed: 1,
  regressed: 1,
  /** Warnings about data, where they are to fail (`--strict`). */
  dataDoubtful: 1,
  badInput: 2,
  runnerMissing: 3,
  cellCrashed: 4,
  trackingFailed: 5,
  /** Cells that other machines were to run have no result yet. */
  gridIncomplete: 6,
  interrupted: 130,
} as const;

/** What can go wrong with one cell while others go well. */
const CRASHES =
  /^(runner-crashed|internal|non-finite|frozen-moved|result-unwritable|write-failed|blob-corrupt|cell-locked|cache-unusable|step-hung|op-hung|cache-ignored|engine-spent|protocol-invalid|gpu-.*|page-.*|browser-lost|browser-failed|port-taken|server-failed)$/;
/** What is not there on this machine. */
const MISSING =
  /^(native-.*|runner-unknown|runner-unavailable|browser-missing|browser-unreachable|webgpu-unavailable|software-adapter|engine-unavailable|kernels-missing|keras-missing|keras-backend-missing)$/;

/** What records runs elsewhere. */
const TRACKING = /^mlflow-(unreachable|refused)$/;

/** The exit code that an error stands for. */
export function exitCodeOf({ code }: SerializedError): number {
  if (code === "cancelled") return EXIT.interrupted;
  if (CRASHES.test(code)) return EXIT.cellCrashed;
  if (TRACKING.test(code)) return EXIT.trackingFailed;
  return MISSING.test(code) ? EXIT.runnerMissing : EXIT.badInput;
}
