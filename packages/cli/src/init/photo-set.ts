import { type FolderSurvey, photoSeries } from "@thaw/assets";

/** What the defaults depend on. */
export interface PhotoSet {
  /** Names of the class folders. */
  readonly classes: readonly string[];
  /** Index of its class for each readable image. */
  readonly labels: readonly number[];
  /** Group of each image, by the folders inside of classes; undefined where there are none. */
  readonly groups?: readonly string[];
  /** Images that cannot be read. */
  readonly unreadable: number;
}

/** The part of a survey that the defaults depend on. */
export function photoSetOf({ classes, images, unreadable }: FolderSurvey): PhotoSet {
  const groups = photoSeries(images.map(({ path }) => path));
  return {
    classes: classes.map(({ name }) => name),
    labels: images.map(({ label }) => label),
    ...(groups === undefined ? {} : { groups }),
    unreadable: unreadable.length,
  };
}
