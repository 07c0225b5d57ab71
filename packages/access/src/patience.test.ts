import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { systemClock } from "@fanfare/domain";
import { until } from "@fanfare/test-support";
import { afterEach, expect, test } from "vitest";
import { closeUnread, hangUp } from "./patience.ts";

const open: { servers: Server[]; sockets: Socket[] } = { servers: [], sockets: [] };
afterEach(() => {
  for (const socket of open.sockets.splice(0)) socket.destroy();
  for (const server of open.servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** More than the system takes in for a connection that nobody reads (net.ipv4.tcp_wmem and tcp_rmem: 4 and 6 MB at most). */
const much = Buffer.alloc(24_000_000, "x");

async function serve(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  open.servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Says something and keeps its own side open, whatever the server does. */
function say(server: Server, text: string): Socket {
  const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined).write(text);
  open.sockets.push(socket);
  return socket;
}

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

async function connections(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
}

test.each([
  ["an answer", get, 1],
  ["the second of two answers that were asked for at once", `${get}${get}`, 2],
])("who does not take %s loses the connection", async (_, text, big) => {
  let asked = 0;
  const server = await serve((_request, response) => response.end(++asked === big ? much : "small"));
  closeUnread(server, systemClock, 100);
  say(server, text).pause();
  await until(() => (asked < big ? "not asked yet" : undefined));
  await until(async () => ((await connections(server)) > 0 ? "still connected" : undefined));
});

test("who takes a large answer slowly keeps the connection", async () => {
  const withinMs = 400;
  const server = await serve((_request, response) => response.end(much));
  closeUnread(server, systemClock, withinMs);
  const socket = say(server, get);
  let bytes = 0;
  const startedAtMs = performance.now();
  await new Promise<void>((resolve, reject) => {
    socket.once("close", () => reject(new Error(`closed after ${bytes} bytes`)));
    socket.on("data", (data) => {
      bytes += data.length;
      if (bytes >= much.length) resolve();
      socket.pause();
      // All of it takes longer than one look, each piece much less.
      setTimeout(() => socket.resume(), 5);
    });
  });
  expect(performance.now() - startedAtMs).toBeGreaterThan(2 * withinMs);
});

test("who waits for an answer keeps the connection", async () => {
  const withinMs = 100;
  const held: (() => void)[] = [];
  const server = await serve((_request, response) => {
    held.push(() => response.end("at last"));
  });
  closeUnread(server, systemClock, withinMs);
  let heard = "";
  say(server, get).on("data", (data) => {
    heard += data;
  });
  await until(() => (held.length > 0 ? undefined : "not asked yet"));
  const askedAtMs = performance.now();
  await until(() => (performance.now() - askedAtMs < 5 * withinMs ? "it has not waited for long" : undefined));
  held[0]?.();
  await until(() => (heard.endsWith("at last") ? undefined : `only ${heard}`));
});

test("a connection that is hung up on ends, also when the other side keeps its own open", async () => {
  const server = await serve(() => undefined);
  server.on("upgrade", (_request, socket) => hangUp(socket, "HTTP/1.1 404 Not Found\r\n\r\n"));
  let heard = "";
  const socket = say(server, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nand more");
  socket.on("data", (data) => {
    heard += data;
  });
  await until(async () => ((await connections(server)) > 0 || heard === "" ? "still connected" : undefined));
  expect(heard).toBe("HTTP/1.1 404 Not Found\r\n\r\n");
});
