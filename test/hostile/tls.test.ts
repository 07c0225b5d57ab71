import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { freePort, promised, startCluster, startClusterOn, startRedis, until } from "@fanfare/test-support";
import { io } from "socket.io-client";
import { expect, test } from "vitest";

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}.pem`, import.meta.url));

test("clients and Redis are spoken to over TLS, and a certificate is renewed without losing a connection", async ({
  onTestFailed,
}) => {
  const dir = await mkdtemp(join(tmpdir(), "fanfare-tls-"));
  const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")];
  const install = async (name: "one" | "two"): Promise<void> => {
    await copyFile(fixture(`${name}.key`), key);
    await copyFile(fixture(`${name}.cert`), cert);
  };
  await install("one");
  const tlsPort = await freePort();
  const redis = await startRedis({
    args: [
      ...["--tls-port", String(tlsPort), "--tls-cert-file", fixture("one.cert"), "--tls-key-file", fixture("one.key")],
      ...["--tls-ca-cert-file", fixture("one.cert"), "--tls-auth-clients", "no"],
    ],
  });
  const cluster = await startClusterOn(
    { url: `rediss://localhost:${tlsPort}`, stop: () => redis.stop() },
    // As an operator names a private authority to Node.
    { gateways: 1, env: { NODE_EXTRA_CA_CERTS: fixture("one.cert"), FANFARE_TLS_CERT: cert, FANFARE_TLS_KEY: key } },
  );
  onTestFailed(() => console.error(cluster.log()));
  const [node] = cluster.gateways;
  const url = `https://localhost:${node?.port}`;
  const clients = (["websocket", "polling"] as const).map((transport) => {
    const socket = io(url, { transports: [transport], rejectUnauthorized: false, auth: { channels: ["public:a"] } });
    const heard: unknown[] = [];
    const world = { socket, heard, disconnects: 0 };
    socket.on("message", (data) => heard.push(data));
    socket.on("disconnect", () => world.disconnects++);
    return world;
  });
  const all = (data: unknown) => () =>
    clients.every(({ heard }) => heard.includes(data)) ? undefined : `not everybody heard ${data}`;
  try {
    await until(async () => {
      await cluster.publish("public:a", 1);
      return all(1)();
    }, 10_000);
    expect(await organization(node?.port ?? 0)).toBe("Fanfare test one");

    await install("two");
    node?.signal("SIGHUP");
    await until(async () => ((await organization(node?.port ?? 0)) === "Fanfare test two" ? undefined : "the old one is shown"));
    await cluster.publish("public:a", 2);
    await until(all(2));
    expect(clients.map(({ disconnects }) => disconnects)).toEqual([0, 0]);

    // Half of a pair changes nothing.
    await copyFile(fixture("one.cert"), cert);
    node?.signal("SIGHUP");
    await until(() => (cluster.log().includes("certificate not renewed") ? undefined : "nothing was said"));
    expect(await organization(node?.port ?? 0)).toBe("Fanfare test two");
  } finally {
    for (const { socket } of clients) socket.disconnect();
    await cluster.stop();
    await rm(dir, { recursive: true });
  }
});

test("who never begins TLS, or says nothing behind it, is gone within 15 s of connecting", async ({ onTestFailed }) => {
  const cluster = await startCluster({
    gateways: 1,
    env: { FANFARE_TLS_CERT: fixture("one.cert"), FANFARE_TLS_KEY: fixture("one.key") },
  });
  onTestFailed(() => console.error(cluster.log()));
  const port = cluster.gateway(0).port;
  const silent = [
    ["no TLS", connectTcp(port, "127.0.0.1")],
    [
      "half of a hello",
      connectTcp(port, "127.0.0.1").on("connect", function (this: Writable) {
        this.write(Buffer.from("1603010200010001fc0303", "hex"));
      }),
    ],
    ["no request", connect({ port, host: "localhost", rejectUnauthorized: false })],
  ] as const;
  for (const [, socket] of silent) socket.on("error", () => undefined).resume();
  try {
    await until(
      () =>
        silent
          .filter(([, socket]) => !socket.closed)
          .map(([what]) => what)
          .join(", ") || undefined,
      promised(15_000),
    );
  } finally {
    for (const [, socket] of silent) socket.destroy();
    await cluster.stop();
  }
});

/** Whose certificate the port shows. */
function organization(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "localhost", rejectUnauthorized: false }, () => {
      const { O } = socket.getPeerCertificate().subject as { O?: string };
      socket.destroy();
      resolve(O);
    });
    socket.once("error", reject);
  });
}
