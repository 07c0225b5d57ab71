import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { find, inInfra, run, textOf } from "./programs.ts";
import { settingsOfCommand } from "./settings.ts";

const units = ["fanfare-gateway@.service", "fanfare-admin.service", "fanfare-ingest.service"] as const;

/** All values of a name, in their order. */
function all(unit: string, name: string): string[] {
  return [...textOf("systemd", unit).matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value = ""]) => value);
}

/** What an environment file sets. */
function environmentOf(file: string): Record<string, string> {
  return Object.fromEntries(
    [...textOf("systemd", file).matchAll(/^(\w+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
}

function commandOf(unit: string): "gateway" | "admin" | "ingest" {
  return all(unit, "ExecStart")[0]?.split(" ").at(-1) as "gateway" | "admin" | "ingest";
}

/** With what the machine's files and the unit itself say. */
function settingsFor(unit: string, more: Readonly<Record<string, string>> = {}) {
  const own = Object.fromEntries(all(unit, "Environment").map((line) => line.split("=") as [string, string]));
  return settingsOfCommand(commandOf(unit), { ...environmentOf("fanfare.env"), ...own, ...more });
}

/** Settings that a command has no use for, and that are shared with those that have. */
const sharedOnly: Readonly<Record<string, readonly string[]>> = { ingest: ["FANFARE_TRUSTED_PROXIES"] };

test.each(units)("%s is started with settings that it takes, and given longer to stop than it drains", (unit) => {
  const unused = sharedOnly[commandOf(unit)] ?? [];
  const env = Object.fromEntries(Object.entries(environmentOf("fanfare.env")).filter(([name]) => !unused.includes(name)));
  const own = Object.fromEntries(all(unit, "Environment").map((line) => line.split("=") as [string, string]));
  const settings = settingsOfCommand(commandOf(unit), { ...env, ...own });
  expect(Number(all(unit, "TimeoutStopSec")[0]) * 1_000).toBeGreaterThanOrEqual(settings.drainMs + 5_000);
  expect(all(unit, "PartOf")).toEqual(["fanfare.target"]);
});

test.each(units)("%s reads each secret from the file that systemd hands it", (unit) => {
  const handed = all(unit, "LoadCredential").map((line) => line.split(":"));
  expect(handed.length).toBeGreaterThan(0);
  for (const [name, path] of handed) expect(path).toBe(`/etc/fanfare/secrets/${name}`);
  const read = all(unit, "Environment").map((line) => /^FANFARE_\w+_FILE=%d\/(.*)$/.exec(line)?.[1]);
  expect(read).toEqual(handed.map(([name]) => name));
});

test("a second node on the machine has ports of its own", () => {
  const first = settingsFor("fanfare-gateway@.service");
  const second = settingsFor("fanfare-gateway@.service", environmentOf("gateway-2.env"));
  expect(new Set([first.port, first.peerPort, second.port, second.peerPort]).size).toBe(4);
});

test("what is started is what the package has", async () => {
  const bin = all(units[0], "ExecStart")[0]?.split(" ")[1]?.replace("/opt/fanfare/", "") ?? "missing";
  await expect(readFile(inInfra("..", bin), "utf8")).resolves.toContain("#!/usr/bin/env node");
});

// Said as skipped where there is no systemd.
test.skipIf(find("systemd-analyze") === undefined)("systemd takes the units", { timeout: 60_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), "fanfare-systemd-"));
  try {
    for (const unit of [...units, "fanfare.target"]) {
      const file = join(dir, unit.replace("@", "@1"));
      await cp(inInfra("systemd", unit), file);
      // Whether this machine has the program and the other services says nothing about the unit.
      const text = (await readFile(file, "utf8"))
        .replace(/^ExecStart=\S+/m, "ExecStart=/bin/true")
        .replace(/^(After=.*) redis-server.service$/m, "$1");
      await writeFile(file, text);
    }
    const files = [...units, "fanfare.target"].map((unit) => join(dir, unit.replace("@", "@1")));
    expect(await complaints(...files)).toBe("");
    await writeFile(join(dir, "fanfare-wrong.service"), "[Service]\nType=exec\nExecStart=/bin/true\nTimeoutStopSec=soon\n");
    expect(await complaints(join(dir, "fanfare-wrong.service"))).toContain("fanfare-wrong.service:4:");
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

/** What systemd does not like about these units; of other units of this machine it may say what it likes. */
async function complaints(...files: readonly string[]): Promise<string> {
  const { stderr } = await run("systemd-analyze", ["verify", "--man=no", ...files]);
  return stderr
    .split("\n")
    .filter((line) => line.includes("fanfare"))
    .join("\n");
}
