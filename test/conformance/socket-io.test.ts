import { until } from "@fanfare/test-support";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConformanceNode, startSocketIoNodes } from "./nodes.ts";
import { type RoundRobin, startRoundRobin } from "./round-robin.ts";
import { PollingSession, WireSocket } from "./wire.ts";

/*
 * The Socket.IO protocol, revision 5, from its document (https://github.com/socketio/socket.io-protocol), over websocket,
 * and its framing over polling; alone against one gateway, and with every single request on another of three.
 */

const path = "/socket.io/";

describe.each([[1], [3]])("Socket.IO over %i gateways", (count) => {
  let nodes: ConformanceNode[];
  let balancer: RoundRobin;
  beforeAll(async () => {
    nodes = await startSocketIoNodes(count);
    balancer = await startRoundRobin(() => nodes.map(({ port }) => port));
  });
  afterAll(async () => {
    await balancer.close();
    await Promise.all(nodes.map((node) => node.close()));
  });

  const open = async (): Promise<WireSocket> => {
    const socket = await new WireSocket(balancer.url, path).opened();
    expect(String(await socket.next())).toMatch(/^0\{/);
    return socket;
  };
  const connected = async (): Promise<WireSocket> => {
    const socket = await open();
    socket.send("40");
    expect(String(await socket.next())).toMatch(/^40\{"sid":"[^"]+"\}$/);
    expect(await socket.next()).toBe(`42["auth",{}]`);
    return socket;
  };

  test.each([
    ["/", "40", "40", `42["auth",{}]`],
    ["/ with a payload", `40{"token":"123"}`, "40", `42["auth",{"token":"123"}]`],
    ["/custom", "40/custom,", "40/custom,", `42/custom,["auth",{}]`],
    ["/custom with a payload", `40/custom,{"token":"abc"}`, "40/custom,", `42/custom,["auth",{"token":"abc"}]`],
  ])("a client connects to %s and is answered with its sid and nothing else", async (_, packet, prefix, then) => {
    const socket = await open();
    socket.send(packet);
    const answer = String(await socket.next());
    expect(answer.startsWith(prefix)).toBe(true);
    expect(Object.keys(JSON.parse(answer.slice(prefix.length)))).toEqual(["sid"]);
    expect(await socket.next()).toBe(then);
    socket.close();
  });

  test("a namespace that does not exist is refused, and the connection stays", async () => {
    const socket = await open();
    socket.send("40/random,");
    expect(await socket.next()).toBe(`44/random,{"message":"Invalid namespace"}`);
    socket.send("40");
    expect(String(await socket.next())).toMatch(/^40\{/);
    socket.close();
  });

  test.each([["4abc"], ["42{}"], [`42abc["message-with-ack",1]`], ["45-"]])("%s closes the connection", async (packet) => {
    const socket = await connected();
    socket.send(packet);
    await socket.end();
  });

  test("a connection that names no namespace in time is closed", async () => {
    await (await open()).end();
  });

  test("an event with arguments of every kind comes back the same", async () => {
    const socket = await connected();
    const args = `1,"two",["3"],{"four":[5]},null,true`;
    socket.send(`42["message",${args}]`);
    expect(await socket.next()).toBe(`42["message-back",${args}]`);
    socket.close();
  });

  test("an event with an id is acknowledged under that id", async () => {
    const socket = await connected();
    socket.send(`42456["message-with-ack",1,"2",{"3":[false]}]`);
    expect(await socket.next()).toBe(`43456[1,"2",{"3":[false]}]`);
    socket.close();
  });

  test("bytes travel as attachments behind their packet, in events and acknowledgements", async () => {
    const socket = await connected();
    const bytes = [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])];
    const args = `{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}`;
    for (const [sent, heard] of [
      [`452-["message",${args}]`, `452-["message-back",${args}]`],
      [`452-789["message-with-ack",${args}]`, `462-789[${args}]`],
    ]) {
      socket.send(sent ?? "");
      for (const part of bytes) socket.send(part);
      expect(await socket.next()).toBe(heard);
      expect([await socket.next(), await socket.next()]).toEqual(bytes);
    }
    socket.close();
  });

  test("leaving one namespace leaves the other", async () => {
    const socket = await connected();
    socket.send("40/custom,");
    await socket.next();
    await socket.next();
    socket.send("41/custom,");
    socket.send(`42["message","still here"]`);
    expect(await socket.next()).toBe(`42["message-back","still here"]`);
    socket.send("41");
    await until(() => (socket.pings > 0 ? undefined : "no ping after leaving both"));
    socket.close();
  });

  test("all of it works over polling", async () => {
    const session = new PollingSession(balancer.url, path);
    await session.open();
    await session.post("40");
    await until(async () => ((await session.poll()).packets.includes(`42["auth",{}]`) ? undefined : "not connected"));
    await session.post(`421["message-with-ack","a"]`);
    await session.expect(`431["a"]`);
    await session.post(`451-["message",{"_placeholder":true,"num":0}]`, "bAQID");
    const heard: string[] = [];
    await until(async () => {
      for (const packet of (await session.poll()).packets) {
        if (packet === "2") await session.post("3");
        else if (packet !== "6") heard.push(packet);
      }
      return heard.length >= 2 ? undefined : `heard ${heard}`;
    });
    expect(heard).toEqual([`451-["message-back",{"_placeholder":true,"num":0}]`, "bAQID"]);
    await session.post("1");
  });
});
