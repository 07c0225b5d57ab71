import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../setup/run.mjs";

const upMs = 60_000;

/**
 * Does with the package what its users do: installs it into an empty folder, asks for its version, brings up a cluster and
 * publishes. Rejects with what was said when any of that fails.
 *
 * @returns {Promise<{ sbom: string, report: string }>}
 */
export async function tryOut(/** @type {string} */ file, /** @type {string} */ version) {
  const folder = mkdtempSync(join(tmpdir(), "fanfare-installed-"));
  try {
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "fanfare-installed", version, private: true }));
    const install = ["install", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error", file];
    await must(run("npm", install, { cwd: folder }));
    const said = await must(run(join(folder, "node_modules", ".bin", "fanfare"), ["--version"], { cwd: folder }));
    if (said.trim() !== version) throw new Error(`It says that it is ${said}, not ${version}.`);
    const report = await publishWith(folder);
    const sbom = await must(
      run("npm", ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application", "--loglevel=error"], { cwd: folder }),
    );
    return { sbom: sbom.slice(sbom.indexOf("{")), report };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Brings a cluster up, publishes, reads it back, looks at the console, and ends it. */
async function publishWith(/** @type {string} */ folder) {
  const started = performance.now();
  const args = ["up", "--nodes", "1", "--port", "0", "--admin-port", "0", "--producer", "none"];
  const up = spawn(join(folder, "node_modules", ".bin", "fanfare"), args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [up.stdout, up.stderr]) stream.on("data", (text) => (said += text));
  const ended = new Promise((resolve) => up.once("close", resolve));
  const tooLate = setTimeout(() => up.kill("SIGKILL"), upMs);
  try {
    while (!said.includes("Ctrl-C ends everything")) {
      if (up.exitCode !== null || up.signalCode !== null) throw new Error(`fanfare up said:\n${said}`);
      await Promise.race([new Promise((resolve) => up.stdout.once("data", resolve)), ended]);
    }
    const upAfter = ((performance.now() - started) / 1_000).toFixed(1);
    const admin = /^console +(http\S+)\/console\//m.exec(said)?.[1];
    const key = /^admin key +(\S+)$/m.exec(said)?.[1];
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const publication = JSON.stringify({ channel: "demo:packed", data: "from an empty folder" });
    const stored = await fetch(`${admin}/v1/publish`, { method: "POST", headers, body: publication });
    const history = await (await fetch(`${admin}/v1/channels/demo:packed/history`, { headers })).json();
    const page = await fetch(`${admin}/console/`);
    if (stored.status !== 200 || history.publications?.[0]?.data !== "from an empty folder" || page.status !== 200) {
      throw new Error(`publish ${stored.status}, history ${JSON.stringify(history)}, console ${page.status}\n${said}`);
    }
    return `up after ${upAfter} s; a publication was stored and read back, the console is there`;
  } finally {
    clearTimeout(tooLate);
    up.kill("SIGTERM");
    await ended;
  }
}

/** @param {Promise<{ ok: boolean, output: string }>} running */
async function must(running) {
  const { ok, output } = await running;
  if (!ok) throw new Error(output);
  return output;
}
