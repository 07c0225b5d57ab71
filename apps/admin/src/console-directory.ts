import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Where the built console lies, or undefined when it is not installed or not built. */
export function consoleDirectory(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve("@fanfare/console/package.json");
    const directory = join(dirname(manifest), "dist");
    return existsSync(join(directory, "index.html")) ? directory : undefined;
  } catch {
    return undefined;
  }
}
