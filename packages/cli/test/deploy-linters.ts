import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolder } from "@thaw/assets";
import { ThawError } from "@thaw/core";
import { installedPython } from "@thaw/runner-kit";
import { temporaryFolder } from "./command-line.ts";

interface LinterPython {
  readonly file: string;
  readonly packages: string | undefined;
}

function findPython(): LinterPython | undefined {
  try {
    const { file, packages } = installedPython(process.env, {
      name: "deploy-linters",
      variable: "THAW_LINTERS_PYTHON",
      words: "what checks deploy/",
      code: "linters-missing",
      hint: "npm run setup -- --linters",
    });
    return { file, packages };
  } catch (error) {
    if (error instanceof ThawError) return undefined; // its tests are skipped by name
    throw error;
  }
}

const PYTHON = findPython();

function program(name: string): string | undefined {
  const folders = PYTHON === undefined ? [] : [dirname(PYTHON.file), join(PYTHON.packages ?? "", "bin")];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/** Programs that `npm test` installs; undefined where it could not. */
export const SHELLCHECK: string | undefined = program("shellcheck");
export const HADOLINT: string | undefined = program("hadolint");
const KUBECONFORM_FILE = join(cacheFolder(process.env), "kubeconform-0.8.0", "kubeconform");
export const KUBECONFORM: string | undefined =
  PYTHON !== undefined && existsSync(KUBECONFORM_FILE) ? KUBECONFORM_FILE : undefined;

/** What a linter says of files; empty where it has nothing to complain of. */
export function complaints(linter: string, args: readonly string[], input = ""): string {
  const { status, stdout, stderr, error } = spawnSync(linter, args, { encoding: "utf8", input });
  if (error !== undefined) throw error;
  return status === 0 ? "" : `${stdout}${stderr}`;
}

interface Schema {
  readonly $id?: string;
  readonly $defs?: object;
}

const FOLDER_OF_SCHEMAS =
  "import kubernetes_validate, os; print(os.path.join(os.path.dirname(kubernetes_validate.__file__), 'kubernetes-json-schema'))";

/**
 * Kubernetes's own schemas, strict, each in a file that refers to no other: kubeconform would look for what it refers
 * to on the network.
 * @param version such as `v1.37.0`
 * @returns pattern for kubeconform's `-schema-location`
 */
export function kubernetesSchemas(version: string, kinds: readonly string[]): string {
  const env = PYTHON?.packages === undefined ? process.env : { ...process.env, PYTHONPATH: PYTHON.packages };
  const asked = spawnSync(PYTHON?.file ?? "", ["-c", FOLDER_OF_SCHEMAS], { encoding: "utf8", env });
  const folder = join(asked.stdout.trim(), `${version}-local-strict`);
  const read = (name: string): Schema => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Schema;
  const { $defs } = read("_definitions");
  const own = temporaryFolder();
  for (const kind of kinds) {
    const { $id: _id, ...schema } = read(kind);
    writeFileSync(
      join(own, `${kind}.json`),
      JSON.stringify({ ...schema, $defs }).replaceAll("/api/_definitions.json#", "#"),
    );
  }
  return join(own, "{{.ResourceKind}}{{.KindSuffix}}.json");
}
