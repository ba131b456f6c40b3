import { sameContent } from "./duplicates.ts";
import { candidatesOf } from "./folder.ts";
import { listFolder, type Unreadable } from "./folder-listing.ts";
import { type ImageFacts, inspectImage } from "./image-facts.ts";
import { NEAR_BITS, type NearDuplicates, nearDuplicates } from "./near-duplicates.ts";
import { photoSeries } from "./photo-series.ts";
import { inOrder } from "./pipeline.ts";

/** A class folder, with or without readable images. */
export interface SurveyedClass {
  readonly name: string;
  /** Readable images. */
  readonly images: number;
  readonly unreadable: number;
  /** Paths of files of other types, which are passed over. */
  readonly otherFiles: readonly string[];
}

/** Files that are the same, byte for byte. */
export interface SameFiles {
  readonly paths: readonly string[];
  /** Whether they lie under more than one class: their labels conflict. */
  readonly acrossClasses: boolean;
}

/** What lies in a folder of class folders. */
export interface FolderSurvey {
  /** The folder, links resolved. */
  readonly root: string;
  readonly classes: readonly SurveyedClass[];
  /** Readable images in the order of classes and paths. */
  readonly images: readonly ImageFacts[];
  readonly unreadable: readonly Unreadable[];
  readonly duplicates: readonly SameFiles[];
  /** Pairs by their places in `images`. */
  readonly near: NearDuplicates;
  /** How many groups `split.by: "group"` would keep together; null where no class has folders inside. */
  readonly series: number | null;
  /** How many bits of 64 may differ in a near-duplicate. */
  readonly nearBits: number;
}

/** How a folder is surveyed. */
export interface SurveyOptions {
  /** Instead of {@link NEAR_BITS}. */
  readonly nearBits?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Images in memory at the same time: each is a whole photo, decoded by a thread of its own. */
const PARALLEL = 4;

function duplicatesOf(images: readonly ImageFacts[]): SameFiles[] {
  return sameContent(images.map(({ sha256 }) => sha256)).map((group) => {
    const members = group.flatMap((index) => images[index] ?? []);
    return {
      paths: members.map(({ path }) => path),
      acrossClasses: new Set(members.map(({ label }) => label)).size > 1,
    };
  });
}

/**
 * Reads every image of a folder with one folder a class, under the rules of data of kind "folder", one after the other, and
 * keeps of each what is known of it, not its pixels.
 * @throws ThawError of `listFolder`
 */
export async function surveyFolder(folder: string, options: SurveyOptions = {}): Promise<FolderSurvey> {
  const { nearBits = NEAR_BITS, onProgress } = options;
  const listing = await listFolder(folder, folder);
  const candidates = candidatesOf(listing);
  const images: ImageFacts[] = [];
  const unreadable: (Unreadable & { readonly label: number })[] = [];
  let done = 0;
  for await (const inspected of inOrder(candidates, PARALLEL, (candidate) => inspectImage(listing.root, candidate))) {
    if ("reason" in inspected) unreadable.push(inspected);
    else images.push(inspected);
    done += 1;
    onProgress?.(done, candidates.length);
  }
  const series = photoSeries(images.map(({ path }) => path));
  const count = (list: readonly { readonly label: number }[], label: number): number =>
    list.filter((image) => image.label === label).length;
  return {
    root: listing.root,
    classes: listing.classes.map(({ name, otherFiles }, label) => ({
      name,
      images: count(images, label),
      unreadable: count(unreadable, label),
      otherFiles,
    })),
    images,
    unreadable: unreadable.map(({ path, reason }) => ({ path, reason })),
    duplicates: duplicatesOf(images),
    near: nearDuplicates(images, nearBits),
    series: series === undefined ? null : new Set(series).size,
    nearBits,
  };
}
