/** A photo that the browser could open. */
export interface Photo {
  readonly file: File;
  /** Of the file. */
  readonly sha256: string;
  /** A `blob:` address of a small square picture of it; stays valid, for a result may show what was removed since. */
  readonly thumbnail: string;
}

/** A class as the visitor made it. */
export interface PhotoClass {
  readonly name: string;
  readonly photos: readonly Photo[];
}

/** Files of one name, such as a folder's. */
export interface NamedFiles {
  /** Null where they lay in no folder. */
  readonly folder: string | null;
  readonly files: readonly File[];
}

/** Whether a file may be a photo, by what the browser says of it. */
export function isPicture(file: File): boolean {
  return file.type.startsWith("image/");
}
