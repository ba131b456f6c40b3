import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./pages.ts";
import { READERS_SPEC, smallSpec } from "./small-specs.ts";

/** The built command: what readers have. */
const THAW = join(ROOT, "packages/cli/bin/thaw.js");
const NPM = fileURLToPath(new URL("npm-stand-in.mjs", import.meta.url));

/** The getting-started page speaks of 60 photos in 3 classes. */
const CLASSES = 3;
const PHOTOS = 20;

function specsBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return specsBelow(path);
    return name.endsWith(".json") ? [path] : [];
  });
}

/** Copies photos of shoes into a folder a class. */
function copyPhotos(target: string, assets: string): void {
  const shoes = join(assets, "shoes");
  const classes = readdirSync(shoes).filter((name) => statSync(join(shoes, name)).isDirectory());
  for (const name of classes.sort().slice(0, CLASSES)) {
    mkdirSync(join(target, name), { recursive: true });
    for (const file of readdirSync(join(shoes, name)).sort().slice(0, PHOTOS)) {
      cpSync(join(shoes, name, file), join(target, name, file));
    }
  }
}

/** A folder in which a page's commands can be typed: specs by the repository's names, but small, and photos. */
export function readersFolder(page: string): string {
  const folder = mkdtempSync(join(tmpdir(), `thaw-docs-${page.replace(/\W+/g, "-")}-`));
  for (const file of specsBelow(join(ROOT, "benchmarks/specs"))) {
    const to = join(folder, relative(ROOT, file));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, JSON.stringify(smallSpec(file), null, 2));
  }
  mkdirSync(join(folder, "packages/browser-runner"), { recursive: true });
  for (const name of ["SPEC.json", "SPEC"]) writeFileSync(join(folder, name), JSON.stringify(READERS_SPEC, null, 2));
  const { THAW_ASSETS: assets } = process.env;
  if (assets !== undefined) copyPhotos(join(folder, "photos"), assets.split(":")[0] ?? assets);
  return folder;
}

/** What typing a line came to. */
export interface TypedLine {
  readonly code: number | null;
  readonly output: string;
}

/** The shell of a reader; `npm` only looks whether there is such a script. */
const PRELUDE = `
thaw() { "${process.execPath}" "${THAW}" "$@"; }
npx() { if [ "$1" = thaw ]; then shift; thaw "$@"; else echo "npx $1: not for readers" >&2; return 1; fi; }
npm() { "${process.execPath}" "${NPM}" "${ROOT}" "$READER" "$PWD" "$@"; }
`;

/** Types a line into a shell. */
export function type(line: string, folder: string): Promise<TypedLine> {
  const child = spawn("bash", ["-c", `${PRELUDE}\n${line}`], {
    cwd: folder,
    env: { ...process.env, READER: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, output })));
}
