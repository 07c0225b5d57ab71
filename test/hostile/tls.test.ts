import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { freePort, startClusterOn, startRedis, until } from "@fanfare/test-support";
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
