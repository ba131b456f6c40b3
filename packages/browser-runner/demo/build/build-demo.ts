import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { serializeError, ThawError } from "@thaw/core";
import { buildDemo } from "./demo-folder.ts";
import { DEFAULT_WEIGHTS, parseWeightsOption } from "./weights-option.ts";

const USAGE = `Usage: npm run demo:build -- --out DIR [options]

  --out DIR                     the folder to make; what is in it is replaced
  --weights SOURCE[@ALPHA[@SIZE]]
                                pretrained weights to bring along: imagenet, dogs-160 or a file; once or more
                                (default ${DEFAULT_WEIGHTS.join(" and ")})
  --examples DIR                photos to bring along, a folder a class
  --example-classes A,B,C       take these folders only
  --example-photos N            so many of each class (default 16)
  --examples-credit TEXT        whose photos they are
`;

/** @throws ThawError `option-invalid` */
function readOptions(): Parameters<typeof buildDemo>[0] {
  const { values } = parseArgs({
    options: {
      out: { type: "string" },
      weights: { type: "string", multiple: true, default: [...DEFAULT_WEIGHTS] },
      examples: { type: "string" },
      "example-classes": { type: "string", default: "" },
      "example-photos": { type: "string", default: "16" },
      "examples-credit": { type: "string", default: "" },
    },
  });
  if (values.out === undefined) throw new ThawError("option-invalid", "--out is missing.", { hint: USAGE });
  const most = Number(values["example-photos"]);
  if (!Number.isInteger(most) || most < 2) {
    throw new ThawError("option-invalid", "--example-photos must be a count of 2 or more.", { hint: USAGE });
  }
  const classes = values["example-classes"].split(",").filter((name) => name !== "");
  return {
    out: resolve(values.out),
    weights: values.weights.map(parseWeightsOption),
    examples:
      values.examples === undefined
        ? null
        : { source: resolve(values.examples), most, classes, credit: values["examples-credit"] },
    onNote: (note) => process.stderr.write(`${note}\n`),
  };
}

try {
  const { folder, files, bytes } = await buildDemo(readOptions());
  process.stdout.write(`${folder}: ${files} files, ${(bytes / 1e6).toFixed(1)} MB. Serve it as it is, over https.\n`);
} catch (error) {
  const { message, hint = "" } = serializeError(error);
  process.stderr.write(`${message}\n${hint}\n`);
  process.exitCode = 2;
}
