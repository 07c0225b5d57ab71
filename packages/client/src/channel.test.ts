import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, Rest, type ServerProcess, startServerProcess, until } from "@fanfare/test-support";
import { io, type Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type Channel, type ChannelOptions, channel, RequestError } from "./index.ts";

// A process that starts, and stock clients that take their second to come back.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

/** One `fanfare serve` in memory, on a port that it gets again after a restart. */
let folder: string;
let env: Record<string, string>;
let server: ServerProcess;
let rest: Rest;
let url: string;
let names = 0;
const sockets: Socket[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fanfare-client-"));
  const open = { subscribe: "anyone", publish: "anyone", history: "anyone" };
  const rules = {
    namespaces: {
      public: open,
      traced: { ...open, trace: true },
      short: { ...open, retain: { count: 5, seconds: 60 } },
      unread: { ...open, history: "nobody" },
    },
  };
  await writeFile(join(folder, "rules.json"), JSON.stringify(rules));
  const [port, adminPort] = [await freePort(), await freePort()];
  url = `http://127.0.0.1:${port}`;
  rest = new Rest(`http://127.0.0.1:${adminPort}`, "secret");
  env = {
    FANFARE_RULES: "rules.json",
    FANFARE_ADMIN_KEYS: "test:secret",
    FANFARE_HOST: "127.0.0.1",
    FANFARE_PORT: String(port),
    FANFARE_ADMIN_PORT: String(adminPort),
    FANFARE_PEER_PORT: "0",
  };
  await start();
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});

afterAll(async () => {
  rest.close();
  await server.end();
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  server = await startServerProcess({ label: "serve", command: "serve", cwd: folder, env });
}

/** A channel that no other test uses. */
const named = (namespace = "public") => `${namespace}:${++names}`;

function connect(options: { transports?: string[]; auth?: object } = {}): Socket {
  const socket = io(url, { forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200, ...options });
  sockets.push(socket);
  return socket;
}

/** Connects anew, with nothing of the former session. */
const forget = (socket: Socket) => socket.disconnect().connect();

const publish = async (name: string, ...data: unknown[]) => {
  let last = { epoch: "", offset: 0 };
  for (const one of data) last = await rest.publish({ channel: name, data: one });
  return last;
};

interface Heard {
  readonly channel: Channel;
  /** Data in the order of arrival; a reset is its reason in angle brackets. */
  readonly said: unknown[];
}

function listen(socket: Socket, name: string, options: ChannelOptions = {}): Heard {
  const said: unknown[] = [];
  const opened = channel(socket, name, { answerMs: 500, onReset: ({ reason }) => void said.push(`<${reason}>`), ...options });
  opened.on("*", (data) => said.push(data));
  return { channel: opened, said };
}

const flawless = { missed: 0, doubled: 0, outOfOrder: 0 };

const isLive = (...listeners: readonly Heard[]) =>
  until(() => {
    const waiting = listeners.find((one) => one.channel.state !== "live")?.channel;
    return waiting && `${waiting.name} is ${waiting.state} (${waiting.refusal?.code})`;
  }, 15_000);

const hears = async ({ said }: Heard, ...expected: unknown[]) => {
  await until(() => (said.length < expected.length ? `heard only ${JSON.stringify(said)}` : undefined), 15_000);
  expect(said).toEqual(expected);
};

const reconnects = async (socket: Socket, act: () => unknown) => {
  const former = socket.io.engine;
  await act();
  await until(() => (socket.connected && socket.io.engine !== former ? undefined : "not connected anew"), 15_000);
};

describe.each(["polling", "websocket"])("over %s", (transport) => {
  test("two channels of one socket resume by themselves where the session is restored", async () => {
    const socket = connect({ transports: [transport] });
    const [a, b] = [listen(socket, named()), listen(socket, named())];
    await isLive(a, b);
    await publish(a.channel.name, 1);
    await publish(b.channel.name, "one");
    await Promise.all([hears(a, 1), hears(b, "one")]);
    const asked = vi.fn();
    socket.onAnyOutgoing(asked);
    socket.io.engine.close();
    await publish(a.channel.name, 2, 3);
    await publish(b.channel.name, "two");
    await until(() => (socket.connected ? undefined : "not connected"), 15_000);
    await Promise.all([hears(a, 1, 2, 3), hears(b, "one", "two")]);
    expect(socket.recovered).toBe(true);
    expect(asked).not.toHaveBeenCalled();
    expect(a.channel).toMatchObject({ state: "live", position: { offset: 3 }, counts: { delivered: 3, ...flawless } });
  });

  test("a session that is not restored goes on from the position of each channel", async () => {
    const socket = connect({ transports: [transport] });
    const [a, b] = [listen(socket, named()), listen(socket, named())];
    await isLive(a, b);
    await publish(a.channel.name, 1);
    await hears(a, 1);
    socket.disconnect();
    expect(a.channel.state).toBe("subscribing");
    await publish(a.channel.name, 2, 3);
    await publish(b.channel.name, "one");
    socket.connect();
    await Promise.all([hears(a, 1, 2, 3), hears(b, "one")]);
    expect(socket.recovered).toBe(false);
    expect(a.channel.counts).toEqual({ delivered: 3, ...flawless });
  });
});

test("a publication that comes in the turn in which its connection ends is heard once", async () => {
  const socket = connect({ transports: ["websocket"] });
  const heard = listen(socket, named());
  await isLive(heard);
  await publish(heard.channel.name, 1);
  await hears(heard, 1);
  const { engine } = socket.io;
  await reconnects(socket, async () => {
    engine.once("data", () => engine.close());
    await publish(heard.channel.name, 2);
  });
  expect(socket.recovered).toBe(true);
  await publish(heard.channel.name, 3);
  await hears(heard, 1, 2, 3);
  expect(heard.channel.counts).toEqual({ delivered: 3, ...flawless });
});

test("a server that has lost everything is told as a reset, once, before what follows", async () => {
  const socket = connect();
  const name = named();
  const plain = listen(socket, name);
  const window = listen(socket, name, { rewind: 2 });
  await isLive(plain, window);
  await publish(name, 1);
  await Promise.all([hears(plain, 1), hears(window, 1)]);
  await server.end();
  socket.disconnect();
  await start();
  await publish(name, 2, 3, 4);
  socket.connect();
  await isLive(plain, window);
  await publish(name, 5);
  await hears(window, 1, "<epoch_changed>", 3, 4, 5);
  await hears(plain, 1, "<epoch_changed>", 5);
});

test("where the log no longer reaches back the listener is told, and goes on", async () => {
  const socket = connect();
  const heard = listen(socket, named("short"));
  await isLive(heard);
  await publish(heard.channel.name, 0);
  await hears(heard, 0);
  socket.disconnect();
  await publish(heard.channel.name, ...Array.from({ length: 10 }, (_, index) => index + 1));
  socket.connect();
  await isLive(heard);
  await publish(heard.channel.name, 11);
  await hears(heard, 0, "<trimmed>", 11);
  expect(heard.channel.position?.offset).toBe(12);
});

test("a reset that comes live is told before what follows, with the last few where they were asked for", async () => {
  const socket = connect();
  const name = named();
  const [plain, window] = [listen(socket, name), listen(socket, name, { rewind: 3 })];
  await isLive(plain, window);
  await publish(name, 1, 2, 3, 4);
  await Promise.all([hears(plain, 1, 2, 3, 4), hears(window, 1, 2, 3, 4)]);
  // The notice alone, as the node would send it: the client cannot tell.
  const [notify] = socket.listenersAny();
  notify?.("fanfare:reset", { channel: name, reason: "diverged" });
  expect(plain.channel.state).toBe("subscribing");
  await isLive(plain, window);
  await publish(name, 5);
  await hears(plain, 1, 2, 3, 4, "<diverged>", 5);
  await hears(window, 1, 2, 3, 4, "<diverged>", 2, 3, 4, 5);
});

test("the trace of a publication comes with its context, live and in its history", async () => {
  const heard = listen(connect(), named("traced"));
  await isLive(heard);
  const contexts: unknown[] = [];
  heard.channel.on("message", (_data, { traceparent }) => contexts.push(traceparent));
  const traceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
  await heard.channel.publish("with", { traceparent });
  await heard.channel.publish("without");
  await hears(heard, "with", "without");
  expect(contexts).toEqual([traceparent, undefined]);
  const listed = [];
  for await (const publication of heard.channel.history()) listed.push(publication.traceparent);
  expect(listed).toEqual([traceparent, undefined]);
});

test("an answer that does not come is asked for again, and nothing is doubled by it", async () => {
  const name = named();
  const since = await publish(name, 1);
  await publish(name, 2, 3);
  const socket = connect();
  await until(() => (socket.connected ? undefined : "not connected"));
  const asked: unknown[] = [];
  socket.onAnyOutgoing((event) => asked.push(event));
  server.signal("SIGSTOP");
  const heard = listen(socket, name, { since, answerMs: 100 });
  await until(() => (asked.length < 3 ? `asked ${asked.length} times` : undefined));
  expect(heard.channel).toMatchObject({ state: "subscribing", refusal: { code: "NO_ANSWER" } });
  server.signal("SIGCONT");
  await isLive(heard);
  expect(heard.channel.refusal).toBeUndefined();
  await publish(name, 4);
  await hears(heard, 2, 3, 4);
});

test("a subscribe whose answer was lost with the connection loses nothing of the log", async () => {
  const name = named();
  const since = await publish(name, 1);
  await publish(name, 2, 3);
  const socket = connect({ transports: ["websocket"] });
  const welcomed = new Promise((resolve) => socket.once("fanfare:welcome", resolve));
  await welcomed;
  server.signal("SIGSTOP");
  const heard = listen(socket, name, { since });
  // Written to the network, and cut: the server will do it, and answer nobody.
  await until(() => (socket.io.engine.writeBuffer.length === 0 && socket.io.engine.transport.writable ? undefined : "unsent"));
  await reconnects(socket, () => {
    socket.io.engine.close();
    server.signal("SIGCONT");
  });
  expect(socket.recovered).toBe(true);
  await isLive(heard);
  await publish(name, 4);
  await hears(heard, 2, 3, 4);
});

test("a channel that the connection brings along is resumed all the same", async () => {
  const name = named();
  const socket = connect({ auth: { channels: [name] } });
  const heard = listen(socket, name);
  await isLive(heard);
  await publish(name, 1);
  await hears(heard, 1);
  for (let round = 0; round < 5; round++) {
    socket.disconnect();
    await publish(name, 2 + 2 * round, 3 + 2 * round);
    socket.connect();
    await hears(heard, ...Array.from({ length: 3 + 2 * round }, (_, index) => index + 1));
    await isLive(heard);
  }
});

test("a position that was noted down is gone on from, and a window begins with the last few", async () => {
  const name = named();
  const first = await publish(name, 1);
  await publish(name, 2, 3);
  const [since, window] = [listen(connect(), name, { since: first }), listen(connect(), name, { rewind: 2 })];
  await hears(since, 2, 3);
  await hears(window, 2, 3);
});

describe("several listeners of one channel", () => {
  test("share one subscription, and each begins where it wants to", async () => {
    const name = named();
    const first = await publish(name, 1);
    await publish(name, 2, 3);
    const socket = connect();
    const asked: unknown[] = [];
    socket.onAnyOutgoing((event) => asked.push(event));
    const window = listen(socket, name, { rewind: 1 });
    const [plain, since] = [listen(socket, name), listen(socket, name, { since: first })];
    await isLive(window, plain, since);
    const late = listen(socket, name, { rewind: 2 });
    await publish(name, 4);
    await hears(window, 3, 4);
    await hears(plain, 4);
    await hears(since, 2, 3, 4);
    await hears(late, 2, 3, 4);
    expect(asked.filter((event) => event === "subscribe")).toHaveLength(1);
    for (const { channel } of [window, plain, since, late]) expect(channel.position?.offset).toBe(4);
  });

  test("are told when the log may not be read for one that joins late", async () => {
    const socket = connect();
    const first = listen(socket, named("unread"));
    await isLive(first);
    const { name } = first.channel;
    const position = await publish(name, 1);
    await hears(first, 1);
    const late = listen(socket, name, { since: { ...position, offset: 0 } });
    await hears(late, "<unreadable>");
    await publish(name, 2);
    await hears(late, "<unreadable>", 2);
    await hears(first, 1, 2);
  });

  test("end one by one; the last one unsubscribes", async () => {
    const socket = connect();
    const name = named();
    const [a, b] = [listen(socket, name), listen(socket, name)];
    await isLive(a, b);
    a.channel.close();
    await publish(name, 1);
    await hears(b, 1);
    expect(a.said).toEqual([]);
    b.channel.close();
    b.channel.close();
    await until(async () => {
      const { channels } = await socket.emitWithAck("whoami");
      return channels.includes(name) ? "still subscribed" : undefined;
    });
  });
});

test("closing and opening in any order leaves exactly what is open, without a hole", async () => {
  const socket = connect();
  const name = named();
  await publish(name, 0);
  let heard = listen(socket, name, { rewind: 1 });
  for (let round = 0; round < 30; round++) {
    if (round % 3 === 0) await isLive(heard);
    // Half way into a subscribe or an unsubscribe: written, unanswered.
    if (round % 3 === 1) await new Promise(setImmediate);
    heard.channel.close();
    if (round % 4 === 0 && socket.connected) socket.io.engine.close();
    if (round % 5 === 0) forget(socket);
    heard = listen(socket, name, { rewind: 1 });
  }
  await isLive(heard);
  await publish(name, 1, 2);
  await hears(heard, 0, 1, 2);
  heard.channel.close();
  socket.io.engine.close();
  await until(async () => {
    const answer: { channels: string[] } | undefined = await socket.emitWithAck("whoami").catch(() => undefined);
    if (answer === undefined) return "not answered";
    return answer.channels.length > 0 ? `still in ${answer.channels}` : undefined;
  }, 15_000);
});

test("a handler that throws is reported, and neither the others nor the channel notice", async () => {
  const socket = connect();
  const thrown: unknown[] = [];
  const name = named();
  const broken = channel(socket, name, { onError: (error) => thrown.push(error) });
  broken.on("message", () => {
    throw new Error("mine");
  });
  const heard = listen(socket, name);
  broken.on("*", (data) => heard.said.push(`after ${data}`));
  await isLive(heard);
  await publish(name, 1, 2);
  await hears(heard, "after 1", 1, "after 2", 2);
  expect(thrown).toEqual([new Error("mine"), new Error("mine")]);
});

test("events are told apart by name, typed, until they are no longer listened to", async () => {
  interface Prices {
    price: { bid: number };
    halt: string;
  }
  const socket = connect();
  const prices = channel<Prices>(socket, named());
  const said: unknown[] = [];
  const stop = prices.on("price", ({ bid }, { event, offset }) => said.push([event, offset, bid]));
  prices.on("halt", (why) => said.push(why.toUpperCase()));
  // @ts-expect-error There is no such event.
  prices.on("prise", () => undefined);
  await until(() => (prices.state === "live" ? undefined : prices.state));
  await prices.publish({ bid: 1 }, { event: "price" });
  await prices.publish({ bid: 2 }, { event: "price" });
  await until(() => (said.length < 2 ? `heard ${said.length}` : undefined));
  stop();
  await prices.publish({ bid: 3 }, { event: "price" });
  await prices.publish("noon", { event: "halt" });
  await until(() => (said.length < 3 ? `heard ${said.length}` : undefined));
  expect(said).toEqual([["price", 1, 1], ["price", 2, 2], "NOON"]);
});

test("what is published while there is no server is stored once, when there is one", async () => {
  const socket = connect();
  const heard = listen(socket, named());
  await isLive(heard);
  await server.end();
  const published = heard.channel.publish("again", { id: "mine" });
  await start();
  // A server that is slow to answer is asked again, and then says that it has it.
  await expect(published).resolves.toMatchObject({ offset: 1 });
  await expect(heard.channel.publish("again", { id: "mine" })).resolves.toMatchObject({ offset: 1, duplicate: true });
  await expect(heard.channel.publish("other", { id: "mine" })).rejects.toMatchObject({ code: "ID_CONFLICT" });
});

test("a request that nobody answers is given up after the patience asked for", async () => {
  const nowhere = io("http://127.0.0.1:9", { forceNew: true });
  sockets.push(nowhere);
  const opened = channel(nowhere, "public:x", { patienceMs: 50 });
  const failure = await opened.publish(1).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(RequestError);
  expect(failure).toMatchObject({ code: "NO_ANSWER" });
});

test("the log is read in pages, both ways, to the end or to a limit", async () => {
  const socket = connect();
  const { channel: opened } = listen(socket, named());
  const all = Array.from({ length: 250 }, (_, index) => index + 1);
  await rest.call("POST", "/v1/publish/batch", { items: all.map((data) => ({ channel: opened.name, data })) });
  const read = async (options: Parameters<typeof opened.history>[0]) => {
    const data: unknown[] = [];
    for await (const publication of opened.history(options)) data.push(publication.data);
    return data;
  };
  expect(await read({})).toEqual(all);
  expect(await read({ reverse: true })).toEqual([...all].reverse());
  expect(await read({ reverse: true, limit: 130 })).toEqual([...all].reverse().slice(0, 130));
  const { value: middle } = await opened.history({ reverse: true, limit: 1 })[Symbol.asyncIterator]().next();
  expect(await read({ since: { ...middle, offset: 120 }, limit: 105 })).toEqual(all.slice(120, 225));
  expect(await read({ since: { ...middle, offset: 120 }, reverse: true, limit: 2 })).toEqual([119, 118]);
  await expect(read({ since: { epoch: "other", offset: 1 } })).rejects.toMatchObject({ code: "EPOCH_CHANGED" });
});

test("a refusal has its code, and is asked about again with the next connection", async () => {
  const socket = connect();
  const states: string[] = [];
  const heard = listen(socket, "closed:x", { onState: (state) => states.push(state) });
  await until(() => (heard.channel.state === "refused" ? undefined : heard.channel.state));
  expect(heard.channel.refusal).toMatchObject({ code: "FORBIDDEN" });
  await reconnects(socket, () => socket.io.engine.close());
  await until(() => (states.length < 3 ? `only ${states}` : undefined));
  expect(states).toEqual(["refused", "subscribing", "refused"]);
});

test("a notice that the subscription has ended is a refusal with its code", async () => {
  const socket = connect();
  const heard = listen(socket, named());
  await isLive(heard);
  const [notify] = socket.listenersAny();
  notify?.("fanfare:unsubscribed", { channel: heard.channel.name, code: "FORBIDDEN" });
  expect(heard.channel).toMatchObject({ state: "refused", refusal: { code: "FORBIDDEN" } });
});

test("what comes twice or too late is dropped and counted, and a hole is counted", async () => {
  const socket = connect();
  const heard = listen(socket, named());
  await isLive(heard);
  const { epoch } = await publish(heard.channel.name, 1, 2);
  await hears(heard, 1, 2);
  // A node does none of this.
  const [hear] = socket.listenersAny();
  const send = (offset: number) => hear?.("message", offset, { channel: heard.channel.name, epoch, offset, at: 0 }, null);
  for (const offset of [2, 1, 5, 4]) send(offset);
  await hears(heard, 1, 2, 5);
  expect(heard.channel.counts).toEqual({ delivered: 3, missed: 1, doubled: 2, outOfOrder: 1 });
});
