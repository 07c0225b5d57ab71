import { join } from "node:path";
import { run } from "./run.mjs";

/**
 * Builds every package that changed since it was last built; turbo knows which by the hashes of their files.
 *
 * @param {string} root
 */
export async function build(root) {
  const turbo = join(root, "node_modules", ".bin", "turbo");
  const done = await run(turbo, ["run", "build", "--output-logs=errors-only", "--ui=stream"], { cwd: root });
  return /FULL TURBO/.test(done.output) ? { ...done, note: "nothing changed" } : done;
}
