import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { loadSettings } from "@fanfare/config";
import { FanfareError } from "@fanfare/domain";
import { promised, until } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { main } from "./main.ts";

const settings = (env: Record<string, string> = {}) =>
  loadSettings({ env: { FANFARE_ADMIN_PORT: "0", FANFARE_ADMIN_KEYS: "a:secret", FANFARE_LOG_LEVEL: "error", ...env } });

/** Embedded: the test's process keeps its own signal handling. */
const embedded = { embedded: true };

test("it serves on a free port and closes quickly although a client keeps its connection", async () => {
  const admin = await main(settings(), embedded);
  const agent = new Agent({ keepAlive: true });
  const status = await new Promise((resolve, reject) => {
    request({ agent, host: "127.0.0.1", port: admin.port, path: "/readyz" }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    })
      .once("error", reject)
      .end();
  });
  expect(status).toBe(200);

  const before = performance.now();
  await Promise.all([admin.close(), admin.close()]);
  expect(performance.now() - before).toBeLessThan(promised(2_000));
  await expect(fetch(`http://127.0.0.1:${admin.port}/healthz`)).rejects.toThrow();
  agent.destroy();
});

test("a port that is taken is a mistake in the settings, by name", async () => {
  const first = await main(settings(), embedded);
  const error = await main(settings({ FANFARE_ADMIN_PORT: String(first.port) }), embedded).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(FanfareError);
  expect(error.code).toBe("SETTINGS_INVALID");
  expect(error.errors).toEqual([{ path: "FANFARE_ADMIN_PORT", message: expect.stringContaining(String(first.port)) }]);
  await first.close();
});

test("wrong keys and a rules file that is not there are refused before anything listens", async () => {
  await expect(main(settings({ FANFARE_ADMIN_KEYS: "nonsense" }), embedded)).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
  await expect(main(settings({ FANFARE_RULES: "/does/not/exist.json" }), embedded)).rejects.toMatchObject({
    code: "RULES_INVALID",
  });
});

test("without a key it does not listen where others can reach it", async () => {
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.com"]) {
    const opened = main(settings({ FANFARE_ADMIN_KEYS: "", FANFARE_ADMIN_HOST: host }), embedded);
    await expect(opened, host).rejects.toMatchObject({
      code: "SETTINGS_INVALID",
      errors: [{ path: "FANFARE_ADMIN_HOST", message: expect.stringContaining("FANFARE_ADMIN_KEYS") }],
    });
  }
  const alone = await main(settings({ FANFARE_ADMIN_KEYS: "", FANFARE_ADMIN_HOST: "127.0.0.1" }), embedded);
  await alone.close();
});

/** The app as a process of its own. */
function startProcess() {
  const script = `
    const { main } = await import("@fanfare/admin");
    const { loadSettings } = await import("@fanfare/config");
    await main(loadSettings({ env: { FANFARE_ADMIN_PORT: "0", FANFARE_ADMIN_KEYS: "a:secret" } }));
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += String(chunk);
  });
  const ready = async () => {
    const line = () => text.split("\n").find((each) => each.includes('"msg":"ready"'));
    await until(() => (line() === undefined ? `no ready line in ${text}` : undefined));
    return JSON.parse(line() ?? "") as { port: number };
  };
  return { child, ready, exited: once(child, "exit") };
}

test("as a process it says ready with its port and ends with 0 on SIGTERM", async () => {
  const { child, ready, exited } = startProcess();
  const { port } = await ready();
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
});

test("a second signal ends it at once, although a request is still going on", async () => {
  const { child, ready, exited } = startProcess();
  const { port } = await ready();
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  // Half a request: closing waits for the rest of it.
  socket.write(
    "POST /v1/publish HTTP/1.1\r\nHost: a\r\nX-API-Key: secret\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
  );
  await until(async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return metrics.includes("fanfare_build_info") ? undefined : "no metrics";
  });
  child.kill("SIGTERM");
  await until(async () => ((await refuses(port)) ? undefined : "it still listens"));
  expect(child.exitCode).toBe(null);
  child.kill("SIGTERM");
  expect(await exited).toEqual([1, null]);
  socket.destroy();
});

async function refuses(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/healthz`).then(
    () => false,
    () => true,
  );
}
