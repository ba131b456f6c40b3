import { z } from "zod";
import { clipped } from "../clipped.ts";
import { ThawError } from "../error.ts";
import { isDocument, upgraded } from "../formats/format.ts";
import { FORMATS } from "../formats/formats.ts";
import { type BrokenRule, brokenRules } from "./field-rules.ts";
import { knownKeys, nearest, nodesAt, type SchemaNode, valueAt } from "./known-keys.ts";
import { type Spec, specSchema } from "./schema.ts";
import { type Sweep, sweepSchema } from "./sweep-schema.ts";

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
    if (best > path.length) return candidates.find((list) => depth(list) === best) ?? [];
    // A branch that has all it wants and only finds too much is closer than one of another type.
    return candidates.find((list) => list.every(({ code }) => code === "unrecognized_keys")) ?? [{ ...issue, path }];
  });
}

function describeNode(node: SchemaNode): readonly string[] {
  if (node.const !== undefined) return [JSON.stringify(node.const)];
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value));
  return node.type === undefined ? [] : [node.type];
}

function accepted(root: SchemaNode, path: readonly PropertyKey[], document: unknown): string {
  const nodes = nodesAt(root, path, document);
  const description = nodes.find((node) => node.description !== undefined)?.description;
  const values = [...new Set(nodes.flatMap(describeNode))].join(", ");
  return description === undefined ? values : `${values} (${description})`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function explain(issue: ZodIssue, document: unknown, root: SchemaNode): string {
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(root, issue.path, document);
    const keys = issue.keys.map((key) => {
      if (known.includes(key)) return `key "${clipped(key)}" does not go with the other keys here.`;
      const [suggestion] = nearest(key, known);
      return `unknown key "${clipped(key)}"${suggestion === undefined ? "." : `; did you mean "${suggestion}"?`}`;
    });
    return `${keys.join(" ")} Known keys: ${known.join(", ")}`;
  }
  const found = valueAt(document, issue.path);
  if (found === undefined) return `is missing; expected ${accepted(root, issue.path, document)}`;
  const expected = accepted(root, issue.path, document);
  if (issue.code === "invalid_type" || issue.code === "invalid_union" || issue.code === "invalid_value") {
    return `expected ${expected}; found ${shown(found)}`;
  }
  return `${issue.message}; found ${shown(found)}; expected ${expected}`;
}

/** Problems that are listed; one that is in every cell of a large sweep fills the screen. */
const MAX_LINES = 40;
/** The longest list of known keys has a fifth of it. */
const MAX_MESSAGE = 2000;

/** @throws ThawError `spec-invalid` that lists the problems, a line each */
function reject(problems: readonly BrokenRule[], origin: SpecOrigin): never {
  const issues = problems.map(({ path, message }): SpecIssue => {
    const line = origin.lineOf?.(path);
    return { path, ...(line === undefined ? {} : { line }), message };
  });
  const lines = issues.slice(0, MAX_LINES).map(({ path, line, message }) => {
    const field = path.length === 0 ? "(whole document)" : clipped(path.join("."));
    return `${origin.where}${line === undefined ? "" : `:${line}`}: ${field}: ${clipped(message, MAX_MESSAGE)}`;
  });
  if (issues.length > MAX_LINES) lines.push(`and ${issues.length - MAX_LINES} more`);
  throw new ThawError("spec-invalid", lines.join("\n"), {
    hint: "Correct the fields named above; `thaw schema` prints the JSON Schema of a spec.",
    details: { issues },
  });
}

function parseWith<Schema extends z.ZodType>(schema: Schema, document: unknown, origin: SpecOrigin): z.output<Schema> {
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  const root = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as SchemaNode;
  const problems = deepest(parsed.error.issues).map((issue): BrokenRule => {
    const path = issue.path.map((key) => (typeof key === "symbol" ? String(key) : key));
    return { path, message: explain(issue, document, root) };
  });
  return reject(problems, origin);
}

/**
 * Checks a spec and fills in its defaults.
 * @param document parsed JSON
 * @throws ThawError `spec-invalid` that lists every wrong field with what was expected
 */
export function parseSpec(document: unknown, origin: SpecOrigin = { where: "spec" }): Spec {
  const spec = parseWith(specSchema, upgraded(FORMATS.spec, document, origin.where), origin);
  const broken = brokenRules(spec);
  return broken.length === 0 ? spec : reject(broken, origin);
}

function upgradedSweep(document: unknown, where: string): unknown {
  const sweep = upgraded(FORMATS.sweep, document, where);
  if (!isDocument(sweep)) return sweep;
  return { ...sweep, experiment: upgraded(FORMATS.spec, sweep.experiment, `${where}, experiment`) };
}

/** Checks a sweep document and fills in its defaults; like {@link parseSpec}. */
export function parseSweep(document: unknown, origin: SpecOrigin = { where: "sweep" }): Sweep {
  const sweep = parseWith(sweepSchema, upgradedSweep(document, origin.where), origin);
  const broken = brokenRules(sweep.experiment).map(({ path, message }) => ({ path: ["experiment", ...path], message }));
  return broken.length === 0 ? sweep : reject(broken, origin);
}

/** JSON Schema of a spec as a person writes it, for editors. */
export function specJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(specSchema, { io: "input" }) as Record<string, unknown>;
}

/** JSON Schema of a sweep document. */
export function sweepJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(sweepSchema, { io: "input" }) as Record<string, unknown>;
}
