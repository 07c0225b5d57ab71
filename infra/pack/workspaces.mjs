import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {{ name: string, version: string, type?: string, license?: string, description?: string, exports?: unknown,
 *   files?: string[], bin?: Record<string, string>, engines?: Record<string, string>, dependencies?: Record<string, string>,
 *   optionalDependencies?: Record<string, string> }} Manifest
 * @typedef {{ readonly folder: string, readonly manifest: Manifest }} Workspace
 */

/** @returns {Manifest} */
export function manifestIn(/** @type {string} */ folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/**
 * Every workspace by name.
 *
 * @returns {Map<string, Workspace>}
 */
export function workspaces(/** @type {string} */ root) {
  const folders = ["apps", "packages"].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(root, parent, name)),
  );
  const there = folders.filter((folder) => existsSync(join(folder, "package.json")));
  return new Map(there.map((folder) => [manifestIn(folder).name, { folder, manifest: manifestIn(folder) }]));
}

/**
 * A workspace with all others that it needs, itself first. `more` are those that are looked up at run time.
 *
 * @returns {Workspace[]}
 */
export function withItsOwn(/** @type {Map<string, Workspace>} */ all, /** @type {string} */ name, /** @type {string[]} */ more) {
  /** @type {Set<Workspace>} */
  const found = new Set();
  const visit = (/** @type {string} */ one) => {
    const workspace = all.get(one);
    if (workspace === undefined || found.has(workspace)) return;
    found.add(workspace);
    for (const dependency of Object.keys(workspace.manifest.dependencies ?? {})) visit(dependency);
  };
  for (const one of [name, ...more]) visit(one);
  return [...found];
}
