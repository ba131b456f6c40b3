import { isPicture, type NamedFiles } from "./photo-class.ts";

function readBatch(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

/** A folder's entries; the browser hands them out a hundred at a time. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (let batch = await readBatch(reader); batch.length > 0; batch = await readBatch(reader)) all.push(...batch);
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** Collects the files below an entry by the folder that they lie in directly. */
async function collect(entry: FileSystemEntry, folder: string | null, into: Map<string | null, File[]>): Promise<void> {
  if (entry.isFile) {
    const files = into.get(folder) ?? [];
    files.push(await fileOf(entry as FileSystemFileEntry));
    into.set(folder, files);
    return;
  }
  for (const inner of await entriesOf(entry as FileSystemDirectoryEntry)) await collect(inner, entry.name, into);
}

function grouped(into: ReadonlyMap<string | null, readonly File[]>): readonly NamedFiles[] {
  return [...into]
    .map(([folder, files]) => ({ folder, files: files.filter((file) => !file.name.startsWith(".")) }))
    .filter(({ files }) => files.length > 0);
}

/**
 * Reads what was dropped, folders with all that lies in them. To be called in the drop's own event: the browser takes
 * the list away behind it.
 */
export async function droppedFiles(transfer: DataTransfer): Promise<readonly NamedFiles[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const into = new Map<string | null, File[]>();
  if (entries.length === 0 && transfer.files.length > 0) into.set(null, [...transfer.files]); // made by a program
  for (const entry of entries) await collect(entry, null, into);
  return grouped(into);
}

/**
 * Groups the files of a folder that was picked by the folder that each lies in; what is no picture is left out. Sorted: a
 * browser hands them out in any order, and the order decides which photos are held out.
 */
export function pickedFolder(files: readonly File[]): readonly NamedFiles[] {
  const into = new Map<string | null, File[]>();
  const byPath = (a: File, b: File): number => (a.webkitRelativePath < b.webkitRelativePath ? -1 : 1);
  for (const file of files.filter(isPicture).sort(byPath)) {
    const folder = file.webkitRelativePath.split("/").at(-2) ?? null;
    into.set(folder, [...(into.get(folder) ?? []), file]);
  }
  return grouped(into);
}
