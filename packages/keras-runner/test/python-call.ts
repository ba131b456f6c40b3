import { execFile } from "node:child_process";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { kerasPython } from "../src/python.ts";

const PROGRAM = fileURLToPath(new URL("../python", import.meta.url));

/**
 * Runs a few lines of Python beside the runner's own modules.
 * @param code sets `answer` from `given`
 * @returns the answer, through JSON
 */
export async function pythonCall<Answer>(code: string, given: unknown): Promise<Answer> {
  const { file, packages } = kerasPython(process.env);
  const path = packages === undefined ? PROGRAM : [PROGRAM, packages].join(delimiter);
  const script = `import json, sys\ngiven = json.load(sys.stdin)\n${code}\njson.dump(answer, sys.stdout)`;
  return await new Promise<Answer>((resolve, reject) => {
    const options = { env: { ...process.env, PYTHONPATH: path }, maxBuffer: 2 ** 26 };
    const child = execFile(file, ["-B", "-c", script], options, (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout) as Answer);
      else reject(error);
    });
    child.stdin?.end(JSON.stringify(given));
  });
}
