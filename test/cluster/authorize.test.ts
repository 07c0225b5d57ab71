import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { freePort, type TestClient, until } from "@fanfare/test-support";
import { afterEach, expect } from "vitest";
import { test } from "./cluster.ts";

/* The example of docs/AUTHORIZE.md as it is: an application that is asked, and clients without tokens. */

const root = fileURLToPath(new URL("../../", import.meta.url));
const secret = "the application knows this as well";
const port = await freePort();
let backend: ChildProcess | undefined;

async function startBackend(): Promise<void> {
  const child = spawn(process.execPath, ["docs/examples/authorize/backend.mjs", String(port)], {
    cwd: root,
    env: { ...process.env, FANFARE_AUTHORIZE_SECRET: secret },
  });
  backend = child;
  let printed = "";
  child.stdout.on("data", (text: Buffer) => {
    printed += text;
  });
  await until(() => (printed.includes("asked at port") ? undefined : "the application does not run"));
}
async function stopBackend(): Promise<void> {
  const child = backend;
  backend = undefined;
  child?.kill("SIGKILL");
  await until(() => (child === undefined || child.signalCode !== null ? undefined : "it still runs"));
}
afterEach(stopBackend);

test.override({
  clusterOptions: {
    gateways: 1,
    env: { FANFARE_AUTHORIZE_URL: `http://127.0.0.1:${port}/`, FANFARE_AUTHORIZE_SECRET: secret },
    rules: {
      namespaces: {
        public: { subscribe: "anyone" },
        orders: { subscribe: "token", publish: "token" },
        secret: { subscribe: "nobody" },
      },
    },
  },
});

const codeOf = async (client: TestClient, event: string, request: unknown) =>
  (await client.request(event, request)).error?.code ?? "ok";

test("the application says who connects and what they may have; while it is away nothing new is allowed, and nobody is cut off", async ({
  cluster,
}) => {
  await startBackend();
  const channels = ["public:a", "orders:7", "orders:8", "secret:1"];
  const [ada, eve, stranger] = await Promise.all([
    cluster.client({ token: "session-of-ada", channels, transports: ["websocket"] }),
    cluster.client({ token: "session-of-eve", channels, transports: ["polling"] }),
    cluster.client({ token: "no such session", wait: false }),
  ]);
  expect(ada.noticesOf("fanfare:welcome")).toMatchObject([{ user: "ada", channels: ["public:a", "orders:7"] }]);
  expect(eve.noticesOf("fanfare:welcome")).toMatchObject([{ user: "eve", channels: ["public:a"] }]);
  await until(() => (stranger.connectErrors.length > 0 ? undefined : "not refused"));
  expect(stranger.connectErrors[0]?.data?.code).toBe("FORBIDDEN");
  expect(await codeOf(ada, "publish", { channel: "orders:7", data: 1 })).toBe("ok");
  expect(await codeOf(eve, "publish", { channel: "orders:7", data: 1 })).toBe("FORBIDDEN");
  expect(await codeOf(ada, "subscribe", "secret:1")).toBe("FORBIDDEN");
  expect(await codeOf(ada, "refresh", { token: "session-of-eve" })).toBe("FORBIDDEN");
  expect(await ada.request("refresh", { token: "session-of-ada" })).toEqual({ ok: true, expiresAt: null });

  await stopBackend();
  expect(await ada.request("subscribe", "orders:9")).toMatchObject({
    ok: false,
    error: { code: "AUTHORIZER_UNAVAILABLE", retryAfterMs: 1_000 },
  });
  // What it has said before is remembered as long as it said.
  expect(await codeOf(ada, "publish", { channel: "orders:7", data: 2 })).toBe("ok");
  const late = await cluster.client({ token: "session-of-ada", channels, wait: false });
  ada.socket.io.engine.close();
  await until(() => (ada.socket.connected ? "still connected" : undefined));
  await until(() => (cluster.log().includes("the application does not answer") ? undefined : "not said in the log"));
  expect([eve.connects, eve.socket.connected, late.socket.connected, late.connectErrors]).toEqual([1, true, false, []]);

  await startBackend();
  await late.welcomed();
  await until(() => (ada.recoveries === 1 ? undefined : "ada has not come back"), 15_000);
  expect(late.noticesOf("fanfare:welcome")).toMatchObject([{ user: "ada", channels: ["public:a", "orders:7"] }]);
  await until(async () => ((await codeOf(ada, "subscribe", "orders:9")) === "FORBIDDEN" ? undefined : "no answer yet"));
});
