import { createServer, request as httpRequest } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { until } from "@fanfare/test-support";
import { Server } from "socket.io";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Balancer, startBalancer, type Upstream } from "./balancer.ts";

/** A stock Socket.IO server on a port of its own that says its name, as a node in small. */
class TinyNode {
  readonly name: string;
  readonly http = createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/plain", "set-cookie": ["a=1", "b=2"] });
    response.write(`${this.name} ${request.headers["x-forwarded-for"]} `);
    request.pipe(response);
  });
  readonly io = new Server(this.http);

  constructor(name: string) {
    this.name = name;
    this.io.on("connection", (socket) => {
      socket.on("who", (answer: (name: string) => void) => answer(name));
      socket.on("echo", (value: unknown, answer: (value: unknown) => void) => answer(value));
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.http.listen(0, "127.0.0.1", resolve));
  }

  get upstream(): Upstream {
    return { port: (this.http.address() as AddressInfo).port };
  }

  async stop(): Promise<void> {
    this.http.closeAllConnections();
    await this.io.close();
  }
}

let nodes: TinyNode[];
let live: Upstream[];
let balancer: Balancer;
let clients: Socket[];

beforeEach(async () => {
  clients = [];
  nodes = ["aa", "bb", "cc"].map((name) => new TinyNode(name));
  for (const node of nodes) await node.start();
  live = nodes.map((node) => node.upstream);
  balancer = await startBalancer({ host: "127.0.0.1", port: 0, upstreams: () => live });
});

afterEach(async () => {
  for (const client of clients) client.disconnect();
  await balancer.close();
  for (const node of nodes) await node.stop();
});

function client(options: Partial<ManagerOptions & SocketOptions> = {}): Socket {
  const socket = io(`http://127.0.0.1:${balancer.port}`, { forceNew: true, ...options });
  clients.push(socket);
  return socket;
}

async function connected(socket: Socket): Promise<Socket> {
  await until(() => (socket.connected ? undefined : "not connected"));
  return socket;
}

const ask = (path = "/", init?: RequestInit) => fetch(`http://127.0.0.1:${balancer.port}${path}`, init);

test("stock clients over websocket connect, spread over all nodes in turn, and keep talking to theirs", async () => {
  const all = await Promise.all(Array.from({ length: 6 }, () => connected(client({ transports: ["websocket"] }))));
  const homes: string[] = await Promise.all(all.map((socket) => socket.emitWithAck("who")));
  expect(homes.toSorted()).toEqual(["aa", "aa", "bb", "bb", "cc", "cc"]);
  for (let round = 0; round < 5; round++) {
    expect(await Promise.all(all.map((socket) => socket.emitWithAck("who")))).toEqual(homes);
  }
});

test("requests of one session go to every node in turn: finding the session is theirs", async () => {
  const answers = await Promise.all(Array.from({ length: 6 }, async () => (await ask("/?sid=aa.1")).text()));
  expect(answers.map((answer) => answer.slice(0, 2)).toSorted()).toEqual(["aa", "aa", "bb", "bb", "cc", "cc"]);
});

test("a message of several hundred kilobytes survives both transports", async () => {
  // Over polling only one node: these do not know each other.
  live = live.slice(0, 1);
  const big = "🎺".repeat(60_000);
  for (const transport of ["polling", "websocket"]) {
    const socket = await connected(client({ transports: [transport] }));
    expect(await socket.emitWithAck("echo", big)).toBe(big);
  }
});

test("requests that share one connection go to different nodes", async () => {
  const answers = await new Promise<string>((resolve) => {
    let text = "";
    const connection = connect(balancer.port, "127.0.0.1", () => {
      const get = "GET / HTTP/1.1\r\nHost: x\r\n";
      connection.write(`${get}\r\n${get}\r\n${get}Connection: close\r\n\r\n`);
    });
    connection.on("data", (data) => {
      text += data;
    });
    connection.on("end", () => resolve(text));
  });
  for (const { name } of nodes) expect(answers).toContain(`${name} 127.0.0.1 `);
});

test("a body streams through, and the client's address is added to those before it", async () => {
  const response = await ask("/", { method: "POST", body: "x".repeat(300_000), headers: { "x-forwarded-for": "203.0.113.7" } });
  expect(await response.text()).toMatch(/^(aa|bb|cc) 203\.0\.113\.7, 127\.0\.0\.1 x{300000}$/);
  expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
});

test("a poll that the client gives up is given up at the node too", async () => {
  let state: "nothing" | "held" | "given up" = "nothing";
  live = live.slice(0, 1);
  nodes[0]?.http.removeAllListeners("request").on("request", (_, response) => {
    state = "held";
    response.once("close", () => {
      state = "given up";
    });
  });
  const poll = httpRequest({ host: "127.0.0.1", port: balancer.port, path: "/" });
  poll.on("error", () => {});
  poll.end();
  await until(() => (state === "held" ? undefined : `the node has ${state}`));
  poll.destroy();
  await until(() => (state === "given up" ? undefined : `the poll is ${state}`));
});

test("a poll whose node dies with it is not sent again, not even on a connection that was used before", async () => {
  live = live.slice(0, 1);
  const got: string[] = [];
  nodes[0]?.http.removeAllListeners("request").on("request", (request, response) => {
    got.push(request.url ?? "");
    if (got.length % 2 === 1) response.end("first");
    else request.socket.destroy();
  });
  for (const path of ["/?a=1", "/?sid=x"]) {
    expect(await (await ask(path)).text()).toBe("first");
    const { status, headers } = await ask(path);
    expect([status, headers.get("access-control-allow-origin")]).toEqual(path === "/?sid=x" ? [503, "*"] : [200, null]);
    got.length = 0;
  }
});

test("new connections pass over a node that is gone but still listed", async () => {
  await nodes[1]?.stop();
  const names = await Promise.all(Array.from({ length: 6 }, async () => (await (await ask()).text()).slice(0, 2)));
  expect(new Set(names)).toEqual(new Set(["aa", "cc"]));
  const sockets = await Promise.all(Array.from({ length: 3 }, () => connected(client({ transports: ["websocket"] }))));
  for (const socket of sockets) expect(await socket.emitWithAck("who")).not.toBe("bb");
});

test("stock clients whose node dies are back on another", async () => {
  const socket = await connected(client({ transports: ["websocket"], reconnectionDelay: 20 }));
  const home: string = await socket.emitWithAck("who");
  let lost = false;
  socket.once("disconnect", () => {
    lost = true;
  });
  await nodes.find(({ name }) => name === home)?.stop();
  await until(() => (lost ? undefined : "it has not lost its connection"));
  expect(await (await connected(socket)).emitWithAck("who")).not.toBe(home);
});

test("a post goes to another node when nobody is there, with its whole body", async () => {
  await nodes[1]?.stop();
  for (let turn = 0; turn < 3; turn++) {
    const response = await ask("/", { method: "POST", body: "x".repeat(100_000) });
    expect(await response.text()).toMatch(/^(aa|cc) 127\.0\.0\.1 x{100000}$/);
  }
});

test("a request without a body goes to another node when one has no room", async () => {
  nodes[0]?.http.removeAllListeners("request").on("request", (_, response) => response.writeHead(503).end());
  const statuses = await Promise.all(Array.from({ length: 6 }, async () => (await ask()).status));
  expect(new Set(statuses)).toEqual(new Set([200]));
});

test("with no node at all the answer is a problem that says when to come back, and upgrades are refused", async () => {
  live = [];
  const response = await ask("/socket.io/?EIO=4&transport=polling");
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("1");
  expect(await response.json()).toMatchObject({ status: 503, code: "DRAINING" });
  const socket = client({ transports: ["websocket"], reconnection: false });
  await new Promise((resolve) => socket.once("connect_error", resolve));
});

test("a port that is taken rejects the start", async () => {
  const start = startBalancer({ host: "127.0.0.1", port: balancer.port, upstreams: () => [] });
  await expect(start).rejects.toThrow("EADDRINUSE");
});
