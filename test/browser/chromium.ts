import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-headless-shell", "google-chrome"];

/** Without these, Chromium talks to its maker's servers, of which a closed network makes errors. `npm test` may run as root. */
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The machine's own Chromium, without a window. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = onPath(names);
  if (executablePath === undefined)
    throw new Error(`none of ${names.join(", ")} is on PATH: docs/TESTING.md says how to get one`);
  return chromium.launch({ executablePath, args });
}

function onPath(wanted: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return wanted.flatMap((name) => folders.map((folder) => join(folder, name))).find(executable);
}

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
