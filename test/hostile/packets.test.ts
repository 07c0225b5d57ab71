import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { type GatewayProcess, promised, type TestClient, until } from "@fanfare/test-support";
import { expect } from "vitest";
import { test as plain } from "../cluster/cluster.ts";
import { metric } from "../runs/crowd.ts";

/*
 * Floods of what is no request: one connection each sends nothing else, as fast as it is taken. Before they were counted, one of
 * them had the event loop for itself, for a second at a time.
 */
const test = plain.override({ clusterOptions: { gateways: 1, admins: 1 } });

/** Strikes are a second apart and the fourth is the last; then there are three more to hear the goodbye. */
const endedWithinMs = 10_000;
const pieceBytes = 16_384;

const [text, binary, ping, pong] = [1, 2, 9, 10];
/** The first of the two bytes that a websocket ends with. */
const closeFrame = 0x88;
const floods: Readonly<Record<string, Buffer>> = {
  "a namespace that there is not": frame("40/x,"),
  "answers that nobody asked for": frame("430[]"),
  "answers to pings that were not sent": frame("3"),
  nothing: frame("6"),
  "ends of an upgrade": frame("5"),
  "pings of the websocket protocol": frame("x".repeat(100), ping),
  "pongs of the websocket protocol": frame("", pong),
  "events with attachments": Buffer.concat([frame('451-["echo",{"_placeholder":true,"num":0}]'), frame("x", binary)]),
  requests: frame('42["echo",1]'),
};

test("whoever floods a node with packets that are no events is closed in time, and others are served meanwhile", {
  timeout: 60_000,
}, async ({ cluster }) => {
  const node = cluster.gateway(0);
  const other = await cluster.client({ via: node, transports: ["websocket"] });
  const before = residentMb(node.pid);
  const sockets = await Promise.all(Object.keys(floods).map(() => open(node)));
  const closings = (): Promise<number> => metric(cluster, "fanfare_closings_total", 'code="RATE_LIMITED"');
  const startedMs = performance.now();
  const watch = serveMeanwhile(other);
  const ends = Object.entries(floods).map(async ([name, one], at) => {
    await flood(sockets[at] as Socket, one);
    return [name, performance.now() - startedMs] as const;
  });
  const late = (await Promise.all(ends)).filter(([, ms]) => ms > promised(endedWithinMs));
  expect(late).toEqual([]);
  expect(await closings()).toBe(sockets.length);
  const waits = await watch.stop();
  expect(waits.length).toBeGreaterThan(50);
  expect(waits[Math.floor(waits.length * 0.9)]).toBeLessThan(promised(200));
  expect(residentMb(node.pid) - before).toBeLessThan(100);
  expect(other.connects).toBe(1);
});

test("what is sent to a connection that is closed already is not read for long", async ({ cluster }) => {
  const node = cluster.gateway(0);
  const other = await cluster.client({ via: node, transports: ["websocket"] });
  const socket = await open(node);
  const watch = serveMeanwhile(other);
  const startedMs = performance.now();
  // A ping is the server's to send.
  socket.write(frame("2"));
  await flood(socket, frame('42["echo",1]'));
  expect(performance.now() - startedMs).toBeLessThan(promised(endedWithinMs));
  const waits = await watch.stop();
  expect(waits[Math.floor(waits.length * 0.9)]).toBeLessThan(promised(200));
});

test("leaving and joining again over one connection costs more than a request", async ({ cluster }) => {
  const socket = await open(cluster.gateway(0));
  let joined = 0;
  const closed = new Promise((resolve) => socket.on("data", (data) => data.at(-2) === closeFrame && resolve(undefined)));
  const again = async (): Promise<void> => {
    joined++;
    socket.write(frame("41"));
    await pause(5);
    socket.write(frame("40"));
  };
  socket.on("data", (data) => void (String(data).includes("fanfare:welcome") && again()));
  // What it can no longer pay for is dropped: then it has not left, and asks for what it has.
  void again();
  await closed;
  socket.destroy();
  expect(joined).toBeLessThan(200);
});

test("polling sessions that flood are closed in time, whatever is in their payloads, and others are served meanwhile", {
  timeout: 60_000,
}, async ({ cluster }) => {
  const node = cluster.gateway(0);
  const other = await cluster.client({ via: node, transports: ["websocket"] });
  const watch = serveMeanwhile(other);
  const startedMs = performance.now();
  const packets = ["6", "3", "40/x,", "430[]", '42["echo",1]'];
  const kinds = [...packets.map((packet) => [packet, 1_000] as const), ...packets.map((packet) => [packet, 50_000] as const)];
  const ends = kinds.map(async ([packet, count]) => {
    await floodByPolling(node, Array(count).fill(packet).join("\x1e"));
    return [packet, count, performance.now() - startedMs] as const;
  });
  const late = (await Promise.all(ends)).filter(([, , ms]) => ms > promised(endedWithinMs));
  expect(late).toEqual([]);
  const waits = await watch.stop();
  expect(waits[Math.floor(waits.length * 0.9)]).toBeLessThan(promised(300));
  expect(other.connects).toBe(1);
});

/** Asks all the time; the waits for the answers, sorted, when it is stopped. */
function serveMeanwhile(client: TestClient): { stop(): Promise<number[]> } {
  let going = true;
  const waits: number[] = [];
  const asking = (async () => {
    while (going) {
      const askedMs = performance.now();
      expect(await client.request("echo", 1)).toMatchObject({ ok: true });
      waits.push(performance.now() - askedMs);
      await pause(20);
    }
  })();
  return {
    async stop() {
      going = false;
      await asking;
      return waits.sort((a, b) => a - b);
    },
  };
}

/** A websocket in the main namespace, of which nothing is read but that it is there. */
async function open({ port }: GatewayProcess): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  const upgrade = [
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
    "Host: x",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${"A".repeat(22)}==`,
  ];
  socket.write(`${upgrade.join("\r\n")}\r\n\r\n`);
  let heard = "";
  socket.on("data", (data) => {
    heard = `${heard.slice(-1_000)}${data.toString("latin1")}`;
  });
  await until(() => (heard.includes("pingInterval") ? undefined : "no websocket"));
  socket.write(frame("40"));
  await until(() => (heard.includes("fanfare:welcome") ? undefined : "no welcome"));
  return socket;
}

/** Resolves when the connection is gone. */
async function flood(socket: Socket, one: Buffer): Promise<void> {
  const piece = Buffer.concat(Array(Math.ceil(pieceBytes / one.length)).fill(one));
  const gone = new Promise((resolve) => socket.once("close", resolve));
  const write = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on("drain", write);
  write();
  await gone;
}

/** Resolves when the session is gone. */
async function floodByPolling({ url }: GatewayProcess, body: string): Promise<void> {
  const path = `${url}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(path)).text()).slice(1)) as { sid: string };
  const session = `${path}&sid=${sid}`;
  let going = true;
  const ask = async (init?: RequestInit): Promise<void> => {
    while (going) {
      const answer = await fetch(session, init).catch(() => undefined);
      await answer?.text().catch(() => undefined);
      going &&= answer?.ok === true;
    }
  };
  await fetch(session, { method: "POST", body: "40" });
  await Promise.all([ask(), ask({ method: "POST", body })]);
}

/** Masked with zeros, which leave it as it is (RFC 6455 §5.3). */
function frame(payload: string, opcode = text): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)]);
}

function residentMb(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024);
}
