import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "@fanfare/domain";
import { until } from "@fanfare/test-support";
import type { Socket } from "socket.io";
import { type Socket as Client, io as connect } from "socket.io-client";
import { afterEach, describe, expect, test } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { LeanConnection } from "./connection.ts";
import type { Intake } from "./intake.ts";
import { understood } from "./internals.ts";
import { createLeanServer, type LeanServer } from "./lean-server.ts";
import { forgetHandshake, hearAny, LeanSocket } from "./socket.ts";
import { LeanTransport, textFrames } from "./transport.ts";

interface Started extends LeanServer {
  readonly url: string;
  readonly over: (readonly [id: string, reason: string | undefined])[];
  readonly http: HttpServer;
}

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

interface Starting {
  readonly lean?: boolean;
  readonly pingMs?: number;
  readonly connectMs?: number;
  readonly intake?: Intake;
  readonly compression?: boolean;
}

async function start({
  lean = true,
  pingMs = 60_000,
  connectMs = 60_000,
  intake,
  compression = false,
}: Starting = {}): Promise<Started> {
  const http = createServer();
  const options = { pingInterval: pingMs, pingTimeout: pingMs, connectTimeout: connectMs, maxHttpBufferSize: 100_000 };
  const server = createLeanServer(http, options, systemClock, { lean, intake, compression });
  const over: (readonly [string, string | undefined])[] = [];
  server.onSocketOver(({ id }, reason) => over.push([id, reason]));
  const echo = function (this: Socket, event: string, ...args: unknown[]): void {
    const ack = args.pop();
    if (typeof ack === "function") (ack as (...answer: unknown[]) => void)(event, ...args);
  };
  server.io.on("connection", (socket) => hearAny(socket, [echo]));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  stops.push(async () => {
    await server.io.close();
    server.close();
  });
  return { ...server, http, over, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

async function join(url: string, transports: string[], auth: object = {}): Promise<Client> {
  const client = connect(url, { transports, auth, forceNew: true, reconnection: false });
  stops.push(() => void client.disconnect());
  await until(() => (client.connected ? undefined : "not connected"));
  return client;
}

/** A websocket that speaks for itself. `heard` are the texts that it was sent. */
async function raw(
  url: string,
  query = "EIO=4&transport=websocket",
  perMessageDeflate: ClientOptions["perMessageDeflate"] = true,
): Promise<{ socket: WebSocket; heard: string[]; closed: number[] }> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?${query}`, { perMessageDeflate });
  const heard: string[] = [];
  const closed: number[] = [];
  socket.on("message", (data) => void heard.push(String(data)));
  socket.on("close", (code) => void closed.push(code));
  socket.on("error", () => undefined);
  stops.push(() => socket.terminate());
  await until(() => (heard.length > 0 || closed.length > 0 ? undefined : "nothing heard"));
  return { socket, heard, closed };
}

const only = ({ io }: LeanServer): Socket => {
  const [socket] = io.sockets.sockets.values();
  if (socket === undefined) throw new Error("nobody is connected");
  return socket;
};

test("the installed versions are those that the lean classes were written for", () => {
  // When this fails: compare what internals.ts lists with the new versions, and run the benches again.
  expect(understood()).toBe(true);
});

test("a version that lacks a method is noticed, and all is stock then", async () => {
  expect(understood([[LeanTransport, ["send", "sendSomehow"]]])).toBe(false);
  expect(understood([[undefined, ["send"]]])).toBe(false);
  const server = await start({ lean: false });
  await join(server.url, ["websocket"]);
  expect(only(server)).not.toBeInstanceOf(LeanSocket);
  expect(only(server).conn).not.toBeInstanceOf(LeanConnection);
});

test("a client that begins with a websocket is lean, and one that upgrades has a lean transport", async () => {
  const server = await start();
  await join(server.url, ["websocket"]);
  const { conn } = only(server);
  expect(conn).toBeInstanceOf(LeanConnection);
  expect(conn.transport).toBeInstanceOf(LeanTransport);
  // What a stock one has, and what it costs: a list of listeners each.
  const { socket: websocket } = conn.transport as unknown as LeanTransport;
  expect([conn, conn.transport, websocket].map((emitter) => (emitter as unknown as { _events: unknown })._events)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);

  const upgrading = await start();
  await join(upgrading.url, ["polling", "websocket"]);
  await until(() => (only(upgrading).conn.transport.name === "websocket" ? undefined : "still polling"));
  expect(only(upgrading).conn.transport).toBeInstanceOf(LeanTransport);
});

test("once it is forgotten, nothing holds the request that a client came with, but its address", async () => {
  const server = await start();
  await join(server.url, ["websocket"], { token: "t" });
  const socket = only(server);
  expect(socket.handshake.auth).toEqual({ token: "t" });
  expect(socket.handshake.headers.upgrade).toBe("websocket");
  expect(socket.handshake.query.EIO).toBe("4");
  forgetHandshake(socket);
  expect(socket.request).toBeUndefined();
  expect(socket.handshake).toMatchObject({ address: "127.0.0.1", headers: {}, query: {}, auth: {} });
  expect(Date.parse(socket.handshake.time)).toBeGreaterThan(0);
});

test("a text frame is what ws makes of the same text, of every length of a length", async () => {
  const server = await start();
  const { socket, heard } = await raw(server.url);
  const texts = [0, 1, 125, 126, 65_535, 65_536, 70_000].map((length) => "ü".repeat(length / 2) + "x".repeat(length % 2));
  const { transport } = Object.values(
    (server.io.engine as unknown as { clients: Record<string, LeanConnection> }).clients,
  )[0] as LeanConnection;
  transport.socket._socket?.write(textFrames(texts));
  await until(() => (heard.length === texts.length + 1 ? undefined : `${heard.length} heard`));
  expect(heard.slice(1)).toEqual(texts);
  expect(socket.readyState).toBe(WebSocket.OPEN);
});

test.each([
  { transports: ["websocket"], entrance: 0 },
  { transports: ["polling"], entrance: 0 },
  { transports: ["polling", "websocket"], entrance: 2 },
])(
  "of what a client over $transports sends, its upgrade and its answers are counted, each once",
  async ({ transports, entrance }) => {
    let counted = 0;
    const server = await start({ pingMs: 50, intake: () => ++counted > 0 });
    const client = await join(server.url, transports);
    const last = transports.at(-1);
    await until(() => (only(server).conn.transport.name === last && !only(server).conn.upgrading ? undefined : "no upgrade"));
    let pings = 0;
    client.io.on("ping", () => pings++);
    const bytes = Buffer.alloc(10);
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => client.emitWithAck("echo", n % 2 === 0 ? n : { n, bytes, more: [bytes] })),
    );
    await until(() => (pings >= 4 ? undefined : `${pings} pings`));
    // An upgrade may overtake a ping, whose answer nobody waits for then.
    const before = counted - (last === "websocket" && transports.length > 1 && counted > entrance ? 1 : 0);
    expect(before).toBe(entrance);
    client.on("asked", (answer) => answer(1));
    counted = 0;
    await only(server).emitWithAck("asked");
    expect(counted).toBe(1);
  },
);

test("whatever else there is to send is counted, and nothing happens for it when there is too much", async () => {
  let counted = 0;
  let full = false;
  const server = await start({
    intake: () => {
      counted++;
      return !full;
    },
  });
  const { socket, heard } = await raw(server.url);
  let pongs = 0;
  socket.on("pong", (data) => (pongs += String(data) === "data" ? 1 : 0));
  const sendAll = async (expected: number): Promise<void> => {
    for (const text of ["40/x,", "430[]", "3", "5", "6", "431[]"]) socket.send(text);
    socket.ping("data");
    socket.pong();
    await until(() => (counted === expected ? undefined : `${counted} counted`));
  };
  socket.send("40");
  await until(() => (server.io.sockets.sockets.size === 1 ? undefined : "not connected"));
  await sendAll(8);
  const answer = '44/x,{"message":"Invalid namespace"}';
  await until(() => (heard.includes(answer) && pongs === 1 ? undefined : `${pongs} pongs, ${heard.at(-1)}`));
  full = true;
  await sendAll(16);
  // What comes after it has been looked at as well by then.
  const other = await raw(server.url);
  socket.send('420["echo"]');
  await until(() => (heard.at(-1)?.startsWith("430") ? undefined : `last heard ${heard.at(-1)}`));
  expect([heard.filter((text) => text === answer).length, pongs, other.closed]).toEqual([1, 1, []]);
});

test("a client that is refused may ask again, and each time counts", async () => {
  let counted = 0;
  const server = await start({ intake: () => ++counted > 0 });
  server.io.use((_, next) => next(new Error("not you")));
  const { socket, heard } = await raw(server.url);
  for (let times = 1; times <= 3; times++) {
    socket.send("40");
    await until(() => (heard.filter((text) => text.startsWith("44")).length === times ? undefined : "not refused"));
    expect(counted).toBe(times);
  }
});

test("a client that asks for its namespace again while it is let in is closed, and leaves no socket", async () => {
  const server = await start();
  const letIn: (() => void)[] = [];
  server.io.use((_, next) => void letIn.push(next));
  const { socket, closed } = await raw(server.url);
  for (let times = 0; times < 10; times++) socket.send("40");
  await until(() => (closed.length > 0 ? undefined : "still open"));
  expect(letIn).toHaveLength(1);
  for (const next of letIn) next();
  await until(() => (server.over.length === 1 ? undefined : "not over"));
  const namespace = server.io.sockets as unknown as { _preConnectSockets: Map<string, unknown>; sockets: Map<string, unknown> };
  expect([namespace._preConnectSockets.size, namespace.sockets.size]).toEqual([0, 0]);
});

describe("with compression", () => {
  const long = "what compresses well, ".repeat(500);

  test.each([
    [true, { server_no_context_takeover: true, client_no_context_takeover: true }],
    [{ serverMaxWindowBits: 10 }, { server_max_window_bits: 10 }],
    [false, undefined],
  ])("a client that offers %j is read and answered, and nothing is kept for it", async (offer, agreed) => {
    const server = await start({ compression: true });
    const { socket, heard } = await raw(server.url, undefined, offer);
    const [extension] = Object.values((socket as unknown as { _extensions: Record<string, { params: object }> })._extensions);
    if (agreed === undefined) expect(extension).toBeUndefined();
    else expect(extension?.params).toMatchObject(agreed);

    socket.send("40");
    await until(() => (heard.length > 1 ? undefined : "not connected"));
    for (const number of [1, 2]) socket.send(`42${number}${JSON.stringify(["echo", long])}`);
    await until(() => (heard.length > 3 ? undefined : "not answered"));
    only(server).emit("said", long);
    await until(() => (heard.length > 4 ? undefined : "nothing said"));
    expect(heard.slice(2)).toEqual(
      ['431["echo","what', '432["echo","what', '42["said","what'].map((text) => expect.stringContaining(text)),
    );
    const { socket: kept } = only(server).conn.transport as unknown as LeanTransport;
    expect(kept._extensions["permessage-deflate"] ?? { _inflate: null, _deflate: null }).toMatchObject({
      _inflate: null,
      _deflate: null,
    });
  });

  test("a message that is longer than one may be when it is read ends its connection", async () => {
    const server = await start({ compression: true });
    const { socket, closed } = await raw(server.url);
    socket.send("x".repeat(10_000_000));
    await until(() => (closed.length > 0 ? undefined : "still open"));
    expect(closed).toEqual([1_009]);
    await until(() => (server.io.engine.clientsCount === 0 ? undefined : "still there"));
  });
});

test("attachments that are together longer than a message end their connection", async () => {
  const server = await start();
  const { socket, closed } = await raw(server.url);
  socket.send("40");
  socket.send('453-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]');
  for (let piece = 0; piece < 2; piece++) socket.send(Buffer.alloc(60_000));
  await until(() => (closed.length > 0 ? undefined : "still open"));
});

test("a payload of very many packets ends its session", async () => {
  const server = await start();
  const path = `${server.url}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(path)).text()).slice(1)) as { sid: string };
  const post = async (packets: number): Promise<number> =>
    (await fetch(`${path}&sid=${sid}`, { method: "POST", body: Array(packets).fill("6").join("\x1e") })).status;
  expect(await post(5_000)).toBe(200);
  await post(5_001);
  expect(await post(1)).toBe(400);
});

test("a poll that comes again ends its session, for its answer was lost; without a mark nobody can tell", async () => {
  const server = await start();
  const path = `${server.url}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(`${path}&t=a`)).text()).slice(1)) as { sid: string };
  const poll = async (mark = ""): Promise<number | string> => {
    const answer = await fetch(`${path}&sid=${sid}${mark}`);
    return answer.ok ? answer.text() : answer.status;
  };
  await fetch(`${path}&sid=${sid}`, { method: "POST", body: "40" });
  expect(await poll("&t=b")).toMatch(/^40/);
  for (const mark of ["&t=c", "&t=b", "", ""]) {
    only(server).emit("said", mark);
    expect(await poll(mark)).toBe(`42${JSON.stringify(["said", mark])}`);
  }
  only(server).emit("said", "lost");
  expect(await poll("&t=d")).toBe('42["said","lost"]');
  expect(await poll("&t=d")).toBe(400);
  expect(server.over.map(([, reason]) => reason)).toEqual(["transport error"]);
  expect(await poll("&t=e")).toBe(400);
});

describe.each([true, false])("lean: %s", (lean) => {
  test.each([[["websocket"]], [["polling"]], [["polling", "websocket"]]])(
    "%j: texts, binaries and answers arrive in order",
    async (transports) => {
      const server = await start({ lean });
      const client = await join(server.url, transports);
      const bytes = Buffer.from([0, 1, 254, 255]);
      const asked = Array.from({ length: 50 }, (_, n) =>
        n % 3 === 0 ? { n, bytes } : n % 3 === 1 ? { n, text: "ü".repeat(n) } : n,
      );
      const answers = await Promise.all(asked.map((one) => client.emitWithAck("echo", one)));
      expect(answers).toEqual(asked.map(() => "echo"));

      const heard: unknown[] = [];
      client.onAny((event, ...args) => heard.push([event, ...args]));
      for (const one of asked) only(server).emit("said", one);
      await until(() => (heard.length === asked.length ? undefined : `${heard.length} heard`));
      expect(heard).toEqual(asked.map((one) => ["said", one]));
      // On polling it is dropped when no poll waits at the moment.
      if (only(server).conn.transport.name === "polling") return;
      only(server).volatile.emit("perhaps", 1);
      await until(() => (heard.length > asked.length ? undefined : "nothing volatile"));
      await expect(only(server).timeout(50).emitWithAck("nobody answers")).rejects.toThrow("timed out");
    },
  );

  test("a socket that is over is told of once, with the reason", async () => {
    const server = await start({ lean });
    const leaving = await join(server.url, ["websocket"]);
    const left = leaving.id;
    leaving.disconnect();
    await until(() => (server.over.length === 1 ? undefined : "not over"));
    const cut = await join(server.url, ["websocket"]);
    const cutId = cut.id;
    only(server).conn.close();
    await until(() => (server.over.length === 2 ? undefined : "not over"));
    const sent = await join(server.url, ["websocket"]);
    const sentId = sent.id;
    only(server).disconnect(true);
    await until(() => (server.over.length === 3 ? undefined : "not over"));
    expect(server.over).toEqual([
      [left, "client namespace disconnect"],
      [cutId, "transport close"].map((part, index) => (index === 1 ? expect.stringMatching(/^(transport|forced) close$/) : part)),
      [sentId, "server namespace disconnect"],
    ]);
    await until(() => (server.io.engine.clientsCount === 0 ? undefined : `${server.io.engine.clientsCount} left`));
  });

  test("a socket that is refused is over without a reason, and told why", async () => {
    const server = await start({ lean });
    server.io.use((_, next) => next(new Error("not you")));
    const client = connect(server.url, { transports: ["websocket"], reconnection: false });
    stops.push(() => void client.disconnect());
    const refused: string[] = [];
    client.on("connect_error", ({ message }) => refused.push(message));
    await until(() => (refused.length > 0 ? undefined : "not refused"));
    expect(refused).toEqual(["not you"]);
    if (!lean) client.disconnect();
    await until(() => (server.over.length > 0 ? undefined : "not over"));
    expect(server.over[0]?.[1]).toBeUndefined();
  });

  test("one that does not answer pings is closed, one that does is not", async () => {
    const server = await start({ lean, pingMs: 150 });
    const mute = await raw(server.url);
    mute.socket.send("40");
    const alive = await raw(server.url);
    alive.socket.on("message", (data) => String(data) === "2" && alive.socket.send("3"));
    alive.socket.send("40");
    await until(() => (mute.closed.length > 0 ? undefined : "still open"));
    expect(mute.heard.filter((text) => text === "2")).toHaveLength(1);
    await until(() => (alive.heard.filter((text) => text === "2").length > 3 ? undefined : "few pings"));
    expect(alive.closed).toEqual([]);
    expect(server.over.map(([, reason]) => reason)).toEqual(["ping timeout"]);
  });

  test("one that joins no namespace is closed in time", async () => {
    const server = await start({ lean, connectMs: 100 });
    const { closed } = await raw(server.url);
    await until(() => (closed.length > 0 ? undefined : "still open"));
  });

  test.each(["4abc", "1", "2", "9", "42", "451-[", "42[1]", ""])(
    "what it says against the protocol (%j) ends it, or nothing",
    async (text) => {
      const server = await start({ lean });
      const { socket, closed } = await raw(server.url);
      socket.send("40");
      await until(() => (server.io.sockets.sockets.size === 1 ? undefined : "not connected"));
      socket.send(text);
      const other = await join(server.url, ["websocket"]);
      expect(await other.emitWithAck("echo")).toBe("echo");
      // Closed by both or by none.
      const ends = !["1", "42", "42[1]"].includes(text);
      if (ends) await until(() => (closed.length > 0 ? undefined : "still open"));
      else expect(closed).toEqual([]);
    },
  );

  test("a message that is too long ends its connection", async () => {
    const server = await start({ lean });
    const { socket, closed } = await raw(server.url);
    socket.send("40");
    socket.send(`42["x","${"y".repeat(200_000)}"]`);
    await until(() => (closed.length > 0 ? undefined : "still open"));
    expect(closed).toEqual([1009]);
  });

  test("an upgrade that is none is refused, and so is a session that nobody knows", async () => {
    const server = await start({ lean });
    for (const query of ["EIO=4&transport=websocket&sid=nobody", "EIO=3&transport=websocket", "EIO=4&transport=smoke", ""]) {
      const { closed, heard } = await raw(server.url, query);
      expect([closed.length, heard.length]).toEqual([1, 0]);
    }
    expect(server.io.engine.clientsCount).toBe(0);
  });
});
