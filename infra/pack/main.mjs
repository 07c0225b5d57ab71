import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pack } from "./pack.mjs";
import { insideConsole } from "./third-party.mjs";
import { tryOut } from "./try-out.mjs";
import { manifestIn } from "./workspaces.mjs";

/*
 * Makes the package, installs it into an empty folder, runs `fanfare up` from there until a publication has been stored, and
 * writes down what was installed (SBOM, CycloneDX).
 *
 *   npm run pack:cli -- [folder]                by default .cache/pack
 */

const root = fileURLToPath(new URL("../..", import.meta.url));
const to = process.argv[2] ?? join(root, ".cache", "pack");
try {
  const file = await pack(root, to);
  const { sbom, report } = await tryOut(file, manifestIn(root).version);
  const bom = JSON.parse(sbom);
  for (const name of insideConsole(root)) {
    const { version, license } = manifestIn(join(root, "node_modules", name));
    bom.components.push({
      type: "library",
      name,
      version,
      purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
      "bom-ref": `console/${name}@${version}`,
      ...(license === undefined ? {} : { licenses: [{ license: { id: license } }] }),
      properties: [{ name: "fanfare:inside", value: "@fanfare/console" }],
    });
  }
  const sbomFile = file.replace(/\.tgz$/, ".cdx.json");
  writeFileSync(sbomFile, `${JSON.stringify(bom, null, 2)}\n`);
  const size = (readFileSync(file).length / 1_000).toFixed(0);
  process.stdout.write(`${file}  ${size} kB\n${sbomFile}  ${bom.components.length} components\n${report}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
