import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./run.mjs";

/**
 * What each net must report about fixtures/planted-violation. Two nets, because each has holes: turbo reads package.json
 * and does not know `node:` or a deep import; Biome reads import lines and does not know what a package declares.
 */
const expected = {
  biome: [
    /noNodejsModules,file=\S*packages\/domain\/src\/index\.ts/,
    /noRestrictedImports,file=\S*packages\/domain\/src\/index\.ts/,
    /noRestrictedImports,file=\S*packages\/access\/src\/index\.ts/,
    /noRestrictedImports,file=\S*packages\/broker\/src\/index\.ts/,
    /noRestrictedImports,file=\S*apps\/gateway\/src\/index\.ts/,
    /noRestrictedImports,file=\S*apps\/admin\/src\/index\.ts/,
  ],
  turbo: [
    /`@fanfare\/access` found without any tag[^`]*`@fanfare\/domain`/,
    /`@fanfare\/access` found without any tag[^`]*`@fanfare\/broker`/,
    /`@fanfare\/gateway` found without any tag[^`]*`@fanfare\/admin`/,
    /`\.\.\/\.\.\/domain\/src\/index\.ts` leaves the package/,
  ],
};

/**
 * Proves that the two nets for the direction of dependencies can fail: a small repository with forbidden imports, under
 * this repository's own biome.json and turbo.json, must be refused by both, import by import.
 *
 * @param {string} root
 */
export async function plantedViolation(root) {
  const scratch = mkdtempSync(join(tmpdir(), "fanfare-planted-"));
  try {
    cpSync(join(root, "infra", "setup", "fixtures", "planted-violation"), scratch, { recursive: true });
    for (const file of ["biome.json", "turbo.json", ".gitignore", "package-lock.json"])
      cpSync(join(root, file), join(scratch, file));
    const bin = join(root, "node_modules", ".bin");
    const reports = {
      biome: await run(join(bin, "biome"), ["lint", "--reporter=github", "."], { cwd: scratch }),
      turbo: await run(join(bin, "turbo"), ["boundaries"], { cwd: scratch }),
    };
    const missed = Object.entries(reports).flatMap(([net, report]) => {
      // Turbo wraps its sentences at some width and draws a bar before the second line.
      const text = report.output.replace(/\s*\n\s*(\|\s*)?/g, " ");
      const patterns = expected[/** @type {keyof typeof expected} */ (net)];
      const silent = patterns.filter((pattern) => !pattern.test(text)).map((pattern) => `${net} did not report ${pattern}`);
      return report.ok ? [`${net} found nothing wrong`, ...silent] : silent;
    });
    if (missed.length === 0) return { ok: true, note: `${expected.biome.length + expected.turbo.length} caught` };
    return { ok: false, output: [...missed, reports.biome.output, reports.turbo.output].join("\n") };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
