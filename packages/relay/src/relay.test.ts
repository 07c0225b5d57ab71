import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { type NodeRecord, systemClock } from "@fanfare/domain";
import { createLog, createMetrics, type Metrics } from "@fanfare/telemetry";
import { until } from "@fanfare/test-support";
import { Server as EngineServer } from "engine.io";
import { afterEach, beforeEach, expect, test } from "vitest";
import { secretHeader } from "./peer.ts";
import { Relay } from "./relay.ts";
import { newSessionId, newSidPrefix } from "./session-id.ts";

const secret = "of all nodes";

/** A real Engine.IO server with a relay, whose peer port keeps what it was asked. */
class Node {
  readonly sidPrefix = newSidPrefix();
  readonly http = createServer();
  readonly peers = createServer();
  readonly engine = new EngineServer({ pingInterval: 60_000, pingTimeout: 60_000, cors: { origin: true } });
  readonly metrics: Metrics = createMetrics({ app: "gateway" });
  readonly asked: IncomingMessage[] = [];
  relay: Relay | undefined;

  async start(records: NodeRecord[], peerUrl?: string, spliceMs = 60_000): Promise<void> {
    this.engine.attach(this.http, { path: "/engine.io/" });
    this.engine.generateId = () => newSessionId(this.sidPrefix);
    this.engine.on("connection", (socket) => socket.on("data", (data: string) => void socket.send(data)));
    const log = createLog({ name: "relay", level: "silent" });
    const { engine, sidPrefix, metrics } = this;
    const relay = new Relay({
      engine,
      sidPrefix,
      secret,
      nodes: async () => records,
      clock: systemClock,
      log,
      metrics,
      spliceMs,
    });
    this.relay = relay;
    this.peers.on("request", (request, response) => {
      this.asked.push(request);
      relay.serve(request, response);
    });
    this.peers.on("upgrade", (request, socket, head) => relay.serveUpgrade(request, socket, head));
    await Promise.all([listen(this.http), listen(this.peers)]);
    const record = { node: this.sidPrefix, sidPrefix, startedAt: 0, connections: 0, state: "ready", version: "" } as const;
    records.push({ ...record, peerUrl: peerUrl ?? `http://127.0.0.1:${portOf(this.peers)}` });
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.http)}/engine.io/?EIO=4&transport=polling`;
  }

  async stop(): Promise<void> {
    this.engine.close();
    this.relay?.close();
    for (const server of [this.http, this.peers]) {
      server.closeAllConnections();
      // Also when it is closed already.
      await new Promise((resolve) => server.close(resolve));
    }
  }
}

let owner: Node;
let other: Node;
let records: NodeRecord[];

beforeEach(async () => {
  records = [];
  owner = new Node();
  other = new Node();
  await owner.start(records);
  await other.start(records);
});
afterEach(() => Promise.all([owner.stop(), other.stop()]));

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function open(): Promise<string> {
  const text = await (await fetch(owner.url)).text();
  const { sid } = JSON.parse(text.slice(1)) as { sid: string };
  return sid;
}

async function outcomes(node: Node, name: string): Promise<string[]> {
  const lines = (await node.metrics.text()).split("\n").filter((line) => line.startsWith(`${name}{`) && !line.endsWith(" 0"));
  return lines.map((line) => line.slice(name.length)).sort();
}

test("posts and polls of a session work on a node that does not have it", async () => {
  const sid = await open();
  expect((await fetch(`${other.url}&sid=${sid}`, { method: "POST", body: "4hello" })).status).toBe(200);
  expect(await (await fetch(`${other.url}&sid=${sid}`)).text()).toBe("4hello");
  expect(await outcomes(other, "fanfare_relay_requests_total")).toEqual([
    `{kind="poll",outcome="forwarded"} 1`,
    `{kind="post",outcome="forwarded"} 1`,
  ]);
});

test("the owner is shown the client's headers and address, and the secret instead of one that the client made up", async () => {
  const sid = await open();
  await fetch(`${other.url}&sid=${sid}`, {
    method: "POST",
    body: "4x",
    headers: {
      [secretHeader]: "forged",
      "x-forwarded-for": "203.0.113.7",
      cookie: "a=1",
      te: "trailers",
      origin: "https://a.example",
    },
  });
  const headers = owner.asked.at(-1)?.headers;
  expect(headers).toMatchObject({ [secretHeader]: secret, "x-forwarded-for": "203.0.113.7, 127.0.0.1", cookie: "a=1" });
  expect(headers).toMatchObject({ origin: "https://a.example", "x-real-ip": "127.0.0.1" });
  expect(headers).not.toHaveProperty("te");
});

test("only a post goes on with a length: what a poll announces and never sends would be cut off the next request", async () => {
  const sid = await open();
  const asked = (method: string) =>
    new Promise<void>((resolve, reject) => {
      const request = httpRequest(`${other.url}&sid=${sid}`, { method, headers: { "content-length": 3 } }, (answer) =>
        answer.resume().once("end", resolve),
      );
      request.once("error", reject).end("4ab");
    });
  await asked("POST");
  await asked("GET");
  expect(owner.asked.slice(-2).map(({ method, headers }) => [method, headers["content-length"]])).toEqual([
    ["POST", "3"],
    ["GET", undefined],
  ]);
});

test("the answer has the owner's CORS headers, once", async () => {
  const sid = await open();
  await fetch(`${other.url}&sid=${sid}`, { method: "POST", body: "4x" });
  const answer = await fetch(`${other.url}&sid=${sid}`, { headers: { origin: "https://a.example" } });
  expect(answer.headers.get("access-control-allow-origin")).toBe("https://a.example");
});

test("a poll that its client gives up is given up at the owner, which then closes the session", async () => {
  const sid = await open();
  const poll = httpRequest(`${other.url}&sid=${sid}`);
  poll.on("error", () => undefined);
  poll.end();
  await until(() => (owner.asked.some(({ method }) => method === "GET") ? undefined : "the poll has not arrived"));
  poll.destroy();
  await until(() => (owner.engine.clientsCount === 0 ? undefined : "the owner still has the session"));
  expect(await outcomes(other, "fanfare_relay_requests_total")).toEqual([`{kind="poll",outcome="aborted"} 1`]);
});

test("a session of a node that is gone is unknown at once, in the words that make clients begin anew", async () => {
  const sid = await open();
  await owner.stop();
  const answer = await fetch(`${other.url}&sid=${sid}`, { headers: { origin: "https://a.example" } });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toEqual({ code: 1, message: "Session ID unknown" });
  expect(answer.headers.get("access-control-allow-origin")).toBe("https://a.example");
  expect(await outcomes(other, "fanfare_relay_requests_total")).toEqual([`{kind="poll",outcome="unreachable"} 1`]);
});

test("a poll that waits when its owner dies is unknown as well, not cut", async () => {
  const sid = await open();
  const poll = fetch(`${other.url}&sid=${sid}`);
  await until(() => (owner.asked.length > 0 ? undefined : "the poll has not arrived"));
  owner.peers.closeAllConnections();
  expect((await poll).status).toBe(400);
});

test.each(["00000000.x", "zz.x", "127.0.0.1:1.x", "constructor.x"])(
  "no address is dialled for the forged session %s",
  async (sid) => {
    const answer = await fetch(`${other.url}&sid=${sid}`);
    expect([answer.status, ((await answer.json()) as { code: number }).code]).toEqual([400, 1]);
    expect(owner.asked).toEqual([]);
  },
);

test("a request goes one hop at most", async () => {
  // The owner has no such session, and asking on would lead back here.
  const answer = await fetch(
    `http://127.0.0.1:${portOf(owner.peers)}/engine.io/?EIO=4&transport=polling&sid=${other.sidPrefix}.x`,
  );
  expect(answer.status).toBe(400);
  expect(other.asked).toEqual([]);
});

test("a body of a megabyte is refused by the owner's limit wherever it arrives", async () => {
  const sid = await open();
  const body = `4${"x".repeat(2_000_000)}`;
  const status = await fetch(`${other.url}&sid=${sid}`, { method: "POST", body }).then(
    (answer) => answer.status,
    () => "cut",
  );
  expect([413, 400, "cut"]).toContain(status);
  expect(status).not.toBe(200);
});

test("waiting polls are answered when their relay stops", async () => {
  const sid = await open();
  const poll = fetch(`${other.url}&sid=${sid}`);
  await until(() => (owner.asked.length > 0 ? undefined : "the poll has not arrived"));
  await other.relay?.release();
  expect(await (await poll).text()).toBe("6");
  expect(owner.engine.clientsCount).toBe(1);
});

/** An upgrade, at the other node, of a session that its owner's application knows already. */
async function upgradeTooLate(): Promise<Socket> {
  const sid = await open();
  // The poll is answered once the session is no longer held back.
  await fetch(`${owner.url}&sid=${sid}`, { method: "POST", body: "4known" });
  expect(await (await fetch(`${owner.url}&sid=${sid}`)).text()).toBe("4known");
  const socket = connect(portOf(other.http), "127.0.0.1");
  const key = "AAAAAAAAAAAAAAAAAAAAAA==";
  const query = `EIO=4&transport=websocket&sid=${sid}`;
  const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}`;
  socket.write(`GET /engine.io/?${query} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n\r\n`);
  const head = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
  expect(head.toString()).toMatch(/^HTTP\/1\.1 101 /);
  return socket;
}

test("an upgrade that comes when the application knows the session already is spliced", async () => {
  const socket = await upgradeTooLate();
  expect(other.relay?.splices.size).toBe(1);
  expect(await outcomes(other, "fanfare_takeovers_total")).toEqual([`{outcome="missed"} 1`]);
  socket.destroy();
  await until(() => (other.relay?.splices.size === 0 ? undefined : "still spliced"));
});

test("no websocket is spliced for life: it ends, and its client has to come back", async () => {
  await other.stop();
  other = new Node();
  await other.start(records, undefined, 100);
  const socket = await upgradeTooLate();
  await new Promise((resolve) => socket.once("close", resolve));
  await until(() => (other.relay?.splices.size === 0 ? undefined : "still spliced"));
});
