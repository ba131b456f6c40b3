import type { FolderSurvey } from "@thaw/assets";
import { type DataFigures, dataFigures } from "./data-figures.ts";
import { type DataFinding, dataFindings, isTrainable } from "./data-findings.ts";

/** What `thaw data check` found: `--json` prints it, `data-check.json` keeps it. */
export interface DataCheckReport {
  readonly version: 1;
  readonly folder: string;
  /** Side of the network's input that images are compared with, pixels. */
  readonly imageSize: number;
  /** Bits of 64 in which near-duplicates may differ. */
  readonly nearBits: number;
  readonly trainable: boolean;
  readonly figures: DataFigures;
  readonly findings: readonly DataFinding[];
  /** Every class folder, also one without images. */
  readonly classes: FolderSurvey["classes"];
  readonly unreadable: FolderSurvey["unreadable"];
  readonly duplicates: FolderSurvey["duplicates"];
  /** Groups that `split.by: "group"` would keep together: the folders inside of classes; null where there are none. */
  readonly series: number | null;
  /** The closest pairs; `withinClasses` and `acrossClasses` count all of them. */
  readonly nearDuplicates: {
    readonly withinClasses: number;
    readonly acrossClasses: number;
    readonly pairs: readonly {
      readonly paths: readonly [string, string];
      readonly bits: number;
      readonly acrossClasses: boolean;
    }[];
  };
}

/** Judges a survey. @param imageSize side of the network's input, pixels */
export function dataCheckReport(survey: FolderSurvey, imageSize: number): DataCheckReport {
  const figures = dataFigures(survey, imageSize);
  const findings = dataFindings(survey, figures, imageSize);
  const { root, nearBits, classes, unreadable, duplicates, series, near, images } = survey;
  const pathOf = (index: number): string => images[index]?.path ?? "";
  return {
    version: 1,
    folder: root,
    imageSize,
    nearBits,
    trainable: isTrainable(findings),
    figures,
    findings,
    classes,
    unreadable,
    duplicates,
    series,
    nearDuplicates: {
      withinClasses: near.withinClasses,
      acrossClasses: near.acrossClasses,
      pairs: near.pairs.map(({ first, second, bits, acrossClasses }) => ({
        paths: [pathOf(first), pathOf(second)],
        bits,
        acrossClasses,
      })),
    },
  };
}
