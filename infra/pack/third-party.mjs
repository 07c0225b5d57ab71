import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { manifestIn, workspaces } from "./workspaces.mjs";

/** The licences of what is inside the package without being installed beside it: what the console's page is made of. */
export function thirdParty(/** @type {string} */ root) {
  const sections = insideConsole(root).map((name) => {
    const folder = join(root, "node_modules", name);
    const { version, license } = manifestIn(folder);
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    const text = file === undefined ? "" : `\n\`\`\`text\n${readFileSync(join(folder, file), "utf8").trim()}\n\`\`\`\n`;
    return `## ${name} ${version}, ${license}\n${text}`;
  });
  return `# Inside this package\n\nThe console's page is made of these.\n\n${sections.join("\n")}`;
}

/** Dependencies of the console with theirs, but for our own. */
export function insideConsole(/** @type {string} */ root) {
  const all = workspaces(root);
  /** @type {Set<string>} */
  const names = new Set();
  const visit = (/** @type {string} */ name) => {
    const own = all.get(name);
    const folder = own?.folder ?? join(root, "node_modules", name);
    if (names.has(name) || !existsSync(folder)) return;
    if (own === undefined) names.add(name);
    for (const one of Object.keys(manifestIn(folder).dependencies ?? {})) visit(one);
  };
  visit("@fanfare/console");
  return [...names].sort();
}
