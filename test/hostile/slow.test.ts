import { connect, type Socket } from "node:net";
import { promised, until } from "@fanfare/test-support";
import { afterEach, expect } from "vitest";
import { test as plain } from "../cluster/cluster.ts";

/** Of each kind at each port. */
const attackersEach = 40;
const goneWithinMs = 15_000;

const test = plain.override({ clusterOptions: { gateways: 2, env: { FANFARE_CLUSTER_SECRET: "of the cluster in this test" } } });

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

interface Second {
  /** What comes when the first part has gone on for so long. */
  readonly head: string;
  readonly afterMs: number;
  readonly drip: string;
}

/**
 * Opens a connection, says `head`, and goes on with a few bytes every second, for as long as it is let. A server that says
 * goodbye is not let go: only when a write is refused is the connection gone.
 */
function attack(port: number, head: string, drip: string, second?: Second): Socket {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => socket.write(head));
  let next = drip;
  const dripping = setInterval(() => void socket.write(next), 1_000);
  const later =
    second &&
    setTimeout(() => {
      socket.write(second.head);
      next = second.drip;
    }, second.afterMs);
  socket.on("error", () => undefined);
  socket.on("end", () => {
    next ||= "x";
  });
  socket.once("close", () => {
    clearInterval(dripping);
    clearTimeout(later);
  });
  socket.resume();
  sockets.push(socket);
  return socket;
}

test("who sends slowly is gone within 15 s of connecting, however it goes about it, and meanwhile everybody else is served", async ({
  cluster,
}) => {
  const [node, other] = [cluster.gateway(0), cluster.gateway(1)];
  const admin = cluster.admin(0);
  // A key that was good at an address before goes on working while somebody guesses there.
  await cluster.publish("public:a", 0);
  const ada = await cluster.client({ via: node, transports: ["websocket"], channels: ["public:a"] });
  const engine = "/socket.io/?EIO=4&transport=polling";
  const sessions = await Promise.all(
    Array.from({ length: attackersEach }, async () => {
      const opened = await fetch(`${node.url}${engine}`);
      return JSON.parse((await opened.text()).slice(1)).sid as string;
    }),
  );
  const post = (path: string, more = ""): string =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 9000\r\n${more}\r\n`;
  const bearer = (key: string): string => `Authorization: Bearer ${key}\r\n`;
  const stream = "Content-Type: application/x-ndjson\r\n";
  const upgrade = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  const websocket = `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${upgrade}`;
  /** Headers for as long as they may take, and only then a body. */
  const both = (port: number, path: string): Socket => {
    const head = post(path).replace(/\r\n$/, "");
    return attack(port, head, "X-a: b\r\n", { head: "\r\n", afterMs: 7_000, drip: " " });
  };
  const startedMs = performance.now();
  const attackers: [kind: string, sockets: Socket[]][] = [
    ["nothing at all", times(() => attack(node.port, "", ""))],
    ["headers of a node", times(() => attack(node.port, `GET ${engine} HTTP/1.1\r\nHost: x\r\n`, "X-a: b\r\n"))],
    ["headers of an admin API", times(() => attack(admin.port, "POST /v1/publish HTTP/1.1\r\nHost: x\r\n", "X-a: b\r\n"))],
    ["headers of a peer port", times(() => attack(node.peerPort, "GET /readyz HTTP/1.1\r\nHost: x\r\n", "X-a: b\r\n"))],
    ["bodies of a session", times((at) => attack(node.port, post(`${engine}&sid=${sessions[at]}`), "4"))],
    ["bodies of a session elsewhere", times((at) => attack(other.port, post(`${engine}&sid=${sessions[at]}`), "4"))],
    ["bodies without a key", times(() => attack(admin.port, post("/v1/publish"), " "))],
    ["streams without a key", times(() => attack(admin.port, post("/v1/publish/stream", stream), "\n"))],
    ["bodies with a wrong key", times(() => attack(admin.port, post("/v1/publish", bearer("guess")), " "))],
    ["headers and then bodies of a session", times((at) => both(node.port, `${engine}&sid=${sessions[at]}`))],
    ["headers and then bodies of an admin API", times(() => both(admin.port, "/v1/publish"))],
    ["upgrades of something else", times(() => attack(node.port, `GET /other HTTP/1.1\r\n${upgrade}`, "x"))],
    ["upgrades of an unknown session", times(() => attack(node.port, `GET ${engine}&sid=x HTTP/1.1\r\n${websocket}`, "x"))],
    ["upgrades of a peer without the secret", times(() => attack(node.peerPort, `GET ${engine} HTTP/1.1\r\n${upgrade}`, "x"))],
    ["no HTTP", times((at) => attack([node.port, node.peerPort, admin.port][at % 3] ?? 0, "no\r\n\r\n", "x"))],
    ["bodies of a peer without the secret", times(() => attack(node.peerPort, post(`${engine}&sid=${sessions[0]}`), "4"))],
  ];
  const left = (): string[] =>
    attackers.flatMap(([kind, all]) => {
      const open = all.filter((socket) => !socket.destroyed).length;
      return open === 0 ? [] : [`${open} × ${kind}`];
    });

  let published = 0;
  const slowestMs: number[] = [];
  await until(
    async () => {
      const before = performance.now();
      await cluster.publish("public:a", ++published);
      expect((await fetch(`${node.url}${engine}`)).status).toBe(200);
      expect((await fetch(`http://127.0.0.1:${node.peerPort}/healthz`)).status).toBe(200);
      slowestMs.push(performance.now() - before);
      return left().join(", ") || undefined;
    },
    promised(goneWithinMs + 5_000),
  );
  expect(performance.now() - startedMs).toBeLessThan(promised(goneWithinMs + 1_000));
  await until(() => (ada.heard("public:a").length === published ? undefined : `heard ${ada.heard("public:a").length}`));
  expect(ada.connects).toBe(1);
  expect(Math.max(...slowestMs)).toBeLessThan(promised(2_000));
});

function times(make: (at: number) => Socket): Socket[] {
  return Array.from({ length: attackersEach }, (_, at) => make(at));
}
