import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { NativeTools } from "../host.ts";

const programs = ["ears", "floor"] as const;
/** The name that POSIX gives the C compiler is c99; the one that is everywhere is cc. */
const compiler = process.env.CC ?? "cc";
const compileMs = 30_000;

/** Builds the C programs into a folder. Undefined when there is no compiler, or not one that can. */
export async function buildNative(dir: string): Promise<NativeTools | undefined> {
  const build = async (name: (typeof programs)[number]) => {
    const source = fileURLToPath(new URL(`../../native/${name}.c`, import.meta.url));
    const path = join(dir, name);
    await promisify(execFile)(compiler, ["-O2", "-o", path, source], { timeout: compileMs });
    return path;
  };
  try {
    const [ears, floor] = await Promise.all([build("ears"), build("floor")]);
    return { ears, floor };
  } catch {
    return undefined;
  }
}
