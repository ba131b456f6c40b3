import type { EpochRecord } from "@thaw/core";
import { byId, element } from "../page/element.ts";

const percent = (share: number | undefined): string => (share === undefined ? "" : `${(share * 100).toFixed(1)} %`);

/** The curves as a table: for who does not see them, and for who wants the numbers. */
export function epochTable(): { clear(): void; add(epoch: EpochRecord): void } {
  const body = byId("epoch-table", HTMLTableElement).tBodies[0];
  return {
    clear: () => body?.replaceChildren(),
    add({ epoch, train, validation, imagesPerSecond }) {
      const cells = [
        train.loss.toFixed(4),
        validation?.loss.toFixed(4) ?? "",
        percent(train.accuracy),
        percent(validation?.accuracy),
        imagesPerSecond.toFixed(0),
      ];
      body?.append(
        element(
          "tr",
          {},
          element("th", { scope: "row" }, String(epoch)),
          ...cells.map((text) => element("td", {}, text)),
        ),
      );
    },
  };
}
