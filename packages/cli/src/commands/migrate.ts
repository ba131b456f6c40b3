import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { printable, serializeError, ThawError } from "@thaw/core";
import { EXIT } from "../exit-code.ts";
import { migratedFile } from "../formats/migrate-file.ts";
import { writeWholeFile } from "../whole-file.ts";

/** Options of `thaw migrate`. */
export interface MigrateCommandOptions {
  readonly out: string;
}

/** What a run leaves for itself: of use to nobody else. */
const PASSING = /\.(part|lock|checkpoint)$/;
const HINT = "Give another folder for --out: migrated files never take the place of what is there.";

/** The files of a folder, or the one that was given, by their paths below it. */
async function filesOf(path: string): Promise<{ readonly base: string; readonly names: readonly string[] }> {
  const entry = await stat(path).catch((cause: unknown) => {
    throw new ThawError("migrate-unreadable", `${path}: ${(cause as Error).message}.`, {
      hint: "Give a folder of results, or one file.",
      cause,
    });
  });
  if (!entry.isDirectory()) return { base: dirname(path), names: [basename(path)] };
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  const files = entries.filter((file) => file.isFile() && !PASSING.test(file.name)); // links stay where they are
  return { base: path, names: files.map((file) => relative(path, join(file.parentPath, file.name))).sort() };
}

/** @throws ThawError `option-invalid`, `result-exists` */
function checkTargets(path: string, out: string, names: readonly string[]): void {
  const [from, to] = [resolve(path), resolve(out)];
  if (to === from || to.startsWith(from + sep)) {
    throw new ThawError("option-invalid", `--out ${out} lies in ${path}.`, { hint: HINT });
  }
  const taken = names.find((name) => existsSync(join(out, name)));
  if (taken !== undefined) throw new ThawError("result-exists", `${join(out, taken)} exists.`, { hint: HINT });
}

/**
 * `thaw migrate PATH --out DIR`: copies what an older Thaw has written, each file in the version that this one writes.
 * Thaw itself reads older files as they are; this is for other programs, and for keeping.
 * @returns the exit code
 */
export async function migrateCommand(path: string, { out }: MigrateCommandOptions): Promise<number> {
  const { base, names } = await filesOf(path);
  checkTargets(path, out, names);
  const counts = { migrated: 0, copied: 0, failed: 0 };
  for (const name of names) {
    const file = join(base, name);
    const bytes = await readFile(file);
    try {
      const { format, from, to, content } = await migratedFile(bytes, file);
      await writeWholeFile(join(out, name), content ?? bytes, { earlier: "refuse", hint: HINT });
      if (content === null) counts.copied += 1;
      else {
        counts.migrated += 1;
        process.stdout.write(`${printable(name)}: ${format}, version ${from} to ${to}\n`);
      }
    } catch (error) {
      const { code, message } = serializeError(error);
      if (code === "result-unwritable" || code === "result-exists") throw error;
      counts.failed += 1;
      process.stderr.write(`${printable(name)}: left out (${code}): ${printable(message)}\n`);
    }
  }
  process.stdout.write(
    `${counts.migrated} migrated, ${counts.copied} copied as they are, ${counts.failed} left out: ${out}\n`,
  );
  return counts.failed > 0 ? EXIT.badInput : EXIT.fine;
}
