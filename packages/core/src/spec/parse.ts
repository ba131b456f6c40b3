import { z } from "zod";
import { ThawError } from "../error.ts";
import { knownKeys, nearest, nodesAt, type SchemaNode } from "./known-keys.ts";
import { type Spec, type Sweep, specSchema, sweepSchema } from "./schema.ts";

/** One thing wrong with a document. */
export interface SpecIssue {
  readonly path: readonly (string | number)[];
  /** 1-based, where the caller can tell. */
  readonly line?: number;
  readonly message: string;
}

/** Where a document comes from, for messages. */
export interface SpecOrigin {
  /** File name. */
  readonly where: string;
  /** Finds the 1-based line of a field. */
  readonly lineOf?: (path: readonly (string | number)[]) => number | undefined;
}

type ZodIssue = z.core.$ZodIssue;

/** In a union, the branch that got furthest is the one that was meant. */
function deepest(issues: readonly ZodIssue[], prefix: readonly PropertyKey[] = []): readonly ZodIssue[] {
  return issues.flatMap((issue): readonly ZodIssue[] => {
    const path = [...prefix, ...issue.path];
    if (issue.code !== "invalid_union" || issue.errors.length === 0) return [{ ...issue, path }];
    const candidates = issue.errors.map((errors) => deepest(errors, path));
    const depth = (list: readonly ZodIssue[]): number => Math.max(...list.map((item) => item.path.length));
    const best = Math.max(...candidates.map(depth));
    return best > path.length ? (candidates.find((list) => depth(list) === best) ?? []) : [{ ...issue, path }];
  });
}

function describeNode(node: SchemaNode): readonly string[] {
  if (node.const !== undefined) return [JSON.stringify(node.const)];
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value));
  return node.type === undefined ? [] : [node.type];
}

function accepted(root: SchemaNode, path: readonly PropertyKey[]): string {
  const nodes = nodesAt(root, path);
  const description = nodes.find((node) => node.description !== undefined)?.description;
  const values = [...new Set(nodes.flatMap(describeNode))].join(", ");
  return description === undefined ? values : `${values} (${description})`;
}

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
  return value;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function explain(issue: ZodIssue, document: unknown, root: SchemaNode): string {
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(root, issue.path);
    return issue.keys
      .map((key) => {
        const [suggestion] = nearest(key, known);
        const meant = suggestion === undefined ? "" : `; did you mean "${suggestion}"?`;
        return `unknown key "${key}"${meant} Known keys: ${known.join(", ")}`;
      })
      .join("; ");
  }
  const found = valueAt(document, issue.path);
  if (found === undefined) return `is missing; expected ${accepted(root, issue.path)}`;
  const expected = accepted(root, issue.path);
  if (issue.code === "invalid_type" || issue.code === "invalid_union" || issue.code === "invalid_value") {
    return `expected ${expected}; found ${shown(found)}`;
  }
  return `${issue.message}; found ${shown(found)}; expected ${expected}`;
}

function parseWith<Schema extends z.ZodType>(schema: Schema, document: unknown, origin: SpecOrigin): z.output<Schema> {
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  const root = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as SchemaNode;
  const issues = deepest(parsed.error.issues).map((issue): SpecIssue => {
    const path = issue.path.map((key) => (typeof key === "symbol" ? String(key) : key));
    const line = origin.lineOf?.(path);
    return { path, ...(line === undefined ? {} : { line }), message: explain(issue, document, root) };
  });
  const lines = issues.map(({ path, line, message }) => {
    const field = path.length === 0 ? "(whole document)" : path.join(".");
    return `${origin.where}${line === undefined ? "" : `:${line}`}: ${field}: ${message}`;
  });
  throw new ThawError("spec-invalid", lines.join("\n"), {
    hint: "Correct the fields named above; `thaw schema` prints the JSON Schema of a spec.",
    details: { issues },
  });
}

/**
 * Checks a spec and fills in its defaults.
 * @param document parsed JSON
 * @throws ThawError `spec-invalid` that lists every wrong field with what was expected
 */
export function parseSpec(document: unknown, origin: SpecOrigin = { where: "spec" }): Spec {
  const spec = parseWith(specSchema, document, origin);
  checkTogether(spec, origin);
  return spec;
}

/** Checks a sweep document and fills in its defaults; like {@link parseSpec}. */
export function parseSweep(document: unknown, origin: SpecOrigin = { where: "sweep" }): Sweep {
  const sweep = parseWith(sweepSchema, document, origin);
  checkTogether(sweep.experiment, origin);
  return sweep;
}

/** Rules between fields, which a schema of single fields cannot say. */
function checkTogether(spec: Spec, origin: SpecOrigin): void {
  const problems: [field: string, message: string][] = [];
  if (spec.phases !== undefined && spec.epochs !== 1) {
    problems.push(["epochs", "stands beside phases; give each phase its epochs and leave this out"]);
  }
  for (const { learningRate } of [spec.optimizer, ...(spec.phases ?? []).flatMap((phase) => phase.optimizer ?? [])]) {
    if (typeof learningRate === "number" || learningRate.schedule !== "piecewise") continue;
    const { boundaries, values } = learningRate;
    if (values.length !== boundaries.length + 1) {
      problems.push([
        "learningRate.values",
        `has ${values.length} values for ${boundaries.length} boundaries; expected one more than boundaries`,
      ]);
    }
    if (boundaries.some((boundary, index) => index > 0 && boundary <= (boundaries[index - 1] ?? 0))) {
      problems.push(["learningRate.boundaries", "must increase"]);
    }
  }
  if (spec.earlyStopping?.monitor.startsWith("validation") && spec.split.validation === 0) {
    problems.push([
      "earlyStopping.monitor",
      `is "${spec.earlyStopping.monitor}" but split.validation is 0; monitor "loss" or hold images out`,
    ]);
  }
  if (spec.split.by === "group" && spec.data.kind === "tensors") {
    problems.push(["split.by", 'is "group" but data of kind "tensors" knows no groups; use "last" or "stratified"']);
  }
  if (spec.data.kind === "tensors" && new Set(spec.data.classes).size !== spec.data.classes.length) {
    problems.push(["data.classes", "names a class twice"]);
  }
  if (problems.length === 0) return;
  const lines = problems.map(([field, message]) => {
    const line = origin.lineOf?.(field.split("."));
    return `${origin.where}${line === undefined ? "" : `:${line}`}: ${field}: ${message}`;
  });
  throw new ThawError("spec-invalid", lines.join("\n"), { hint: "Correct the fields named above." });
}

/** JSON Schema of a spec as a person writes it, for editors. */
export function specJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(specSchema, { io: "input" }) as Record<string, unknown>;
}

/** JSON Schema of a sweep document. */
export function sweepJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(sweepSchema, { io: "input" }) as Record<string, unknown>;
}
