import { until } from "@fanfare/test-support";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConformanceNode, startEngineNodes } from "./nodes.ts";
import { type RoundRobin, startRoundRobin } from "./round-robin.ts";
import { PollingSession, separator, WireSocket } from "./wire.ts";

/*
 * The Engine.IO protocol, revision 4, from its document (https://github.com/socketio/engine.io-protocol): each case alone
 * against one node, and with every single request on another of three.
 */

const path = "/engine.io/";

describe.each([[1], [3]])("Engine.IO over %i nodes", (count) => {
  let nodes: ConformanceNode[];
  let balancer: RoundRobin;
  beforeAll(async () => {
    nodes = await startEngineNodes(count);
    balancer = await startRoundRobin(() => nodes.map(({ port }) => port));
  });
  afterAll(async () => {
    await balancer.close();
    await Promise.all(nodes.map((node) => node.close()));
  });

  const polling = async (): Promise<PollingSession> => {
    const session = new PollingSession(balancer.url, path);
    await session.open();
    return session;
  };
  const upgraded = async (): Promise<{ session: PollingSession; socket: WireSocket }> => {
    const session = await polling();
    const socket = await new WireSocket(balancer.url, path, session.opened?.sid).opened();
    socket.send("2probe");
    expect(await socket.next()).toBe("3probe");
    // The server ends the pending poll, so that the client can leave polling.
    expect((await session.poll()).packets).toEqual(["6"]);
    socket.send("5");
    return { session, socket };
  };

  test("a handshake over polling offers the upgrade and says its limits", async () => {
    const session = new PollingSession(balancer.url, path);
    const opened = await session.open();
    expect(Object.keys(opened).sort()).toEqual(["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"]);
    expect(opened).toMatchObject({ upgrades: ["websocket"], pingInterval: 300, pingTimeout: 200, maxPayload: 1_000_000 });
  });

  test("a handshake over websocket offers no upgrade", async () => {
    const socket = new WireSocket(balancer.url, path);
    const opened = String(await socket.next());
    expect(JSON.parse(opened.slice(1))).toMatchObject({ upgrades: [], pingInterval: 300 });
    socket.close();
  });

  test.each([
    ["EIO=abc&transport=polling", "GET", 5],
    ["EIO=4&transport=carrier-pigeon", "GET", 0],
    ["EIO=4&transport=polling", "POST", 2],
    ["EIO=4&transport=polling&sid=00000000.unknown", "GET", 1],
    ["EIO=4&transport=polling&sid=unknown", "POST", 1],
  ])("a request with %s as %s is 400 with code %i", async (query, method, code) => {
    const response = await fetch(`${balancer.url}${path}?${query}`, { method });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code });
  });

  test("a session over polling stays open as long as its pings are answered", async () => {
    const session = await polling();
    for (let round = 0; round < 3; round++) {
      expect((await session.poll()).packets).toEqual(["2"]);
      expect(await session.post("3")).toBe(200);
    }
  });

  test("a session over polling that does not answer its ping is closed", async () => {
    const session = await polling();
    expect((await session.poll()).packets).toEqual(["2"]);
    await until(async () => ((await session.poll()).status === 400 ? undefined : "still open"));
  });

  test("a session over websocket stays open as long as its pings are answered, and no longer", async () => {
    const quiet = new WireSocket(balancer.url, path, undefined, { pong: false });
    const lively = new WireSocket(balancer.url, path);
    await quiet.end();
    await until(() => (lively.pings >= 3 ? undefined : `${lively.pings} pings`));
    expect(lively.closed).toBe(false);
    lively.close();
  });

  test("several packets of one post come back in order", async () => {
    const session = await polling();
    expect(await session.post("4one", "4two", "4three")).toBe(200);
    expect((await session.poll()).packets).toEqual(["4one", "4two", "4three"]);
  });

  test("bytes travel as base64 over polling and as they are over websocket", async () => {
    const session = await polling();
    await session.post("bAQIDBA==");
    await session.expect("bAQIDBA==");
    const socket = await new WireSocket(balancer.url, path).opened();
    await socket.next();
    socket.send(Buffer.from([1, 2, 3, 4]));
    expect(await socket.next()).toEqual(Buffer.from([1, 2, 3, 4]));
    socket.close();
  });

  test.each([["abc"], [`4ok${separator}abc`]])("a post of %j closes the session", async (body) => {
    const session = await polling();
    await session.post(body);
    await until(async () => ((await session.poll()).status === 400 ? undefined : "still open"));
  });

  test("a body beyond maxPayload is 413", async () => {
    const session = await polling();
    expect(await session.post(`4${"x".repeat(1_000_001)}`).catch(() => 413)).toBe(413);
  });

  test("a second poll beside a pending one is refused and ends the session", async () => {
    const session = await polling();
    const answers = await Promise.all([session.poll(), session.poll()]);
    expect(answers.some(({ status }) => status === 400)).toBe(true);
    await until(async () => ((await session.poll()).status === 400 ? undefined : "still open"));
  });

  test("an upgraded session goes on over its websocket", async () => {
    const { socket } = await upgraded();
    socket.send("4hello");
    expect(await socket.next()).toBe("4hello");
    socket.close();
  });

  test("what a client says in its last post before the upgrade is not lost", async () => {
    const session = await polling();
    const socket = await new WireSocket(balancer.url, path, session.opened?.sid).opened();
    expect(await session.post("4early")).toBe(200);
    socket.send("2probe");
    expect(await socket.next()).toBe("3probe");
    const packets = (await session.poll()).packets;
    socket.send("5");
    socket.send("4late");
    const heard = [...packets, await socket.next()];
    if (!packets.includes("4early")) heard.push(await socket.next());
    expect(heard.filter((packet) => String(packet).startsWith("4"))).toEqual(["4early", "4late"]);
    socket.close();
  });

  test("polls and second websockets of an upgraded session are refused, and it goes on", async () => {
    const { session, socket } = await upgraded();
    await until(async () => ((await session.poll()).status === 400 ? undefined : "the poll was answered"));
    const second = new WireSocket(balancer.url, path, session.opened?.sid);
    await second.end();
    socket.send("4still here");
    expect(await socket.next()).toBe("4still here");
    socket.close();
  });

  test("a client that says goodbye over polling is gone", async () => {
    const session = await polling();
    expect(await session.post("1")).toBe(200);
    expect((await session.poll()).status).toBe(400);
  });
});
