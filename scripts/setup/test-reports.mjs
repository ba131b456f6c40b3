import { rmSync } from "node:fs";
import { join, relative } from "node:path";
import { readJson } from "./content-hash.mjs";
import { workspacePackages } from "./workspace.mjs";

/**
 * @typedef {{ status: string, fullName: string }} Assertion one test of vitest's JSON report
 * @typedef {{ name: string, status: string, message: string, assertionResults: Assertion[] }} FileResult
 * @typedef {{ passed: number, failed: string[], skipped: string[] }} Summary names with their file
 */

/**
 * @param {string} root
 * @returns {string[]} where each package that has tests leaves vitest's JSON report
 */
export function reportFiles(root) {
  return workspacePackages(root)
    .filter(({ manifest }) => manifest.scripts?.test !== undefined)
    .map(({ folder }) => join(folder, ".vitest", "results.json"));
}

/** An old report must not stand in for a run that never came to write its own. */
export function removeReports(/** @type {readonly string[]} */ files) {
  for (const file of files) rmSync(file, { force: true });
}

/**
 * @param {string} root names are told relative to it
 * @param {readonly string[]} files
 * @returns {Summary} a report that is missing counts as a failure, and so does a test file that could not be loaded
 */
export function sumReports(root, files) {
  /** @type {Summary} */
  const summary = { passed: 0, failed: [], skipped: [] };
  for (const file of files) {
    /** @type {FileResult[] | undefined} */
    const results = readJson(file)?.testResults;
    if (results === undefined) {
      summary.failed.push(`${relative(root, file)}: the run left no report`);
      continue;
    }
    for (const { name, status, message, assertionResults } of results) {
      const where = relative(root, name);
      for (const test of assertionResults) {
        if (test.status === "passed") summary.passed += 1;
        else if (test.status === "failed") summary.failed.push(`${where}: ${test.fullName}`);
        else summary.skipped.push(`${where}: ${test.fullName}`);
      }
      const told = assertionResults.some((test) => test.status === "failed");
      if (status === "failed" && !told) summary.failed.push(`${where}: ${firstLine(message) || "did not run"}`);
    }
  }
  return summary;
}

function firstLine(/** @type {string | undefined} */ text) {
  return (text ?? "").trim().split("\n")[0] ?? "";
}
