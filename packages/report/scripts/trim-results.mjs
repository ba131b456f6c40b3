// Makes test/fixtures/results.json of a folder of results: node scripts/trim-results.mjs FOLDER CELL_PREFIX…
// What a report does not read is cut off, and so are the layers, which the tests work out anew from the spec.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder = ".", ...wanted] = process.argv.slice(2);
const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
const results = wanted
  .flatMap((prefix) => names.filter((name) => name.startsWith(prefix)))
  .map((name) => {
    const {
      timing,
      phases,
      trace: _trace,
      cache: _cache,
      steps: _steps,
      ...rest
    } = JSON.parse(readFileSync(join(folder, name), "utf8"));
    return {
      ...rest,
      phases: phases.map(({ layers: _layers, ...phase }) => phase),
      timing: { ...timing, stepMs: timing.stepMs.slice(0, 2) },
      epochs: rest.epochs.map(({ parts: _parts, ...epoch }) => epoch),
    };
  });
const file = new URL("../test/fixtures/results.json", import.meta.url);
writeFileSync(file, `[\n${results.map((result) => JSON.stringify(result)).join(",\n")}\n]\n`);
