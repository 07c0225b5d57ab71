/*
 * Prints `N passed, N failed`: the tests of the last `npm test` and the checks of the last `npm run check`, from the
 * reports that they leave in .cache. A report that is missing or has nothing in it counts as one failure, and so does a
 * test file that could not be loaded. Ends with 1 when anything failed.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const cache = join(dirname(fileURLToPath(import.meta.url)), "..", "..", ".cache");

/** @typedef {{ passed: number, failed: number }} Count */

/** @returns {Count} */
function tests() {
  const report = read("vitest.json");
  if (!report || report.numTotalTests === 0) return { passed: 0, failed: 1 };
  /** @type {{ status: string, assertionResults: { status: string }[] }[]} */
  const files = report.testResults;
  const broken = files.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((one) => one.status === "failed"),
  );
  return { passed: report.numPassedTests, failed: report.numFailedTests + broken.length };
}

/** @returns {Count} */
function checks() {
  /** @type {{ ok: boolean }[]} */
  const results = read("checks.json") ?? [];
  const passed = results.filter(({ ok }) => ok).length;
  return { passed, failed: results.length === 0 ? 1 : results.length - passed };
}

function read(/** @type {string} */ name) {
  const file = join(cache, name);
  try {
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  } catch {
    return undefined;
  }
}

const counts = [tests(), checks()];
const passed = counts.reduce((sum, count) => sum + count.passed, 0);
const failed = counts.reduce((sum, count) => sum + count.failed, 0);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
