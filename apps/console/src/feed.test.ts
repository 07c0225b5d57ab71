import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "@fanfare/test-support";
import { Server, type Socket } from "socket.io";
import { afterEach, describe, expect, test } from "vitest";
import { createFeed, type Feed } from "./feed.ts";

/*
 * A stock Socket.IO server with one channel whose log a test writes and bends, because a real node does none of the wrong
 * things shown here. The page on a real cluster is in test/browser.
 */
const channel = "demo:sine";
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Stage {
  readonly url: string;
  readonly asked: { channel: string; since?: { offset: number }; rewind?: number }[];
  epoch: string;
  /** Highest offset published. */
  top: number;
  /** Lowest offset that the log still holds. */
  first: number;
  /** What a subscribe is answered: null says nothing at all. */
  refusals: (object | null)[];
  sockets(): Socket[];
  send(...offsets: number[]): void;
  publish(count: number): void;
}

async function stage(): Promise<Stage> {
  const http = createServer();
  const server = new Server(http, { connectionStateRecovery: {} });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  const emit = (to: { emit(event: string, ...args: unknown[]): unknown }, offset: number) =>
    to.emit("point", { x: offset, y: offset / 10 }, { channel, epoch: made.epoch, offset, at: 1_000 + offset }, null);
  const made: Stage = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    asked: [],
    epoch: "e1",
    top: 250,
    first: 1,
    refusals: [],
    sockets: () => [...server.sockets.sockets.values()],
    send(...offsets) {
      for (const offset of offsets) emit(server.to(channel), offset);
    },
    publish(count) {
      for (let each = 0; each < count; each++) this.send(++this.top);
    },
  };
  server.on("connection", (socket) => {
    socket.emit("fanfare:welcome", { id: socket.id, node: "n1", user: null, channels: [] });
    socket.on("unsubscribe", (_request, ack) => {
      socket.leave(channel);
      ack({ ok: true });
    });
    socket.on("subscribe", (request: Stage["asked"][number], ack) => {
      made.asked.push(request);
      const refusal = made.refusals.shift();
      if (refusal !== undefined) return refusal === null ? undefined : ack({ ok: false, error: refusal });
      const recovered = request.since !== undefined && request.since.offset + 1 >= made.first;
      const from = recovered ? (request.since?.offset ?? 0) + 1 : Math.max(made.first, made.top - (request.rewind ?? 0) + 1);
      socket.join(channel);
      for (let offset = from; offset <= made.top; offset++) emit(socket, offset);
      ack({ ok: true, channel, epoch: made.epoch, offset: made.top, recovered, replayed: made.top - from + 1 });
    });
  });
  return made;
}

function feedOf({ url }: Stage): Feed {
  const feed = createFeed({ url, channel, capacity: 100, answerMs: 200 });
  closers.push(() => feed.close());
  return feed;
}

async function caughtUp(feed: Feed, { top, asked }: Stage, asks: number): Promise<void> {
  await until(() => {
    const { status, detail, position } = feed.state();
    if (asked.length < asks) return `asked ${asked.length} times`;
    return status === "Connected" && position?.offset === top ? undefined : `${status} (${detail}) at ${position?.offset}`;
  });
}

const flawless = { missed: 0, doubled: 0, outOfOrder: 0 };

describe("the feed", () => {
  test("fills its window from history, then goes on live", async () => {
    const server = await stage();
    const feed = feedOf(server);
    expect(feed.state()).toMatchObject({ status: "Closed" });
    await caughtUp(feed, server, 1);
    expect(feed.points).toMatchObject({ count: 100, oldest: 151, newest: 250 });
    server.publish(3);
    await caughtUp(feed, server, 1);
    expect(feed.points).toMatchObject({ count: 100, oldest: 154, newest: 253 });
    expect(feed.state()).toMatchObject({ node: "n1", session: server.sockets()[0]?.id });
    expect(feed.state().counts).toMatchObject(flawless);
  });

  test("follows the upgrade to websocket, and stays on polling while that is blocked", async () => {
    const server = await stage();
    const feed = feedOf(server);
    await caughtUp(feed, server, 1);
    await until(() => (feed.state().transport === "websocket" ? undefined : `over ${feed.state().transport}`));
    feed.blockWebsocket(true);
    server.publish(5);
    await caughtUp(feed, server, 2);
    expect(feed.state().transport).toBe("polling");
    expect(server.asked[1]).toMatchObject({ since: { epoch: "e1", offset: 250 } });
    expect(feed.state().counts).toMatchObject({ ...flawless, delivered: 105 });
    feed.blockWebsocket(false);
    await until(() => (feed.state().transport === "websocket" ? undefined : `over ${feed.state().transport}`));
    expect(feed.state().counts).toMatchObject(flawless);
  });

  test("asks for nothing when the server restored the session", async () => {
    const server = await stage();
    const feed = feedOf(server);
    await caughtUp(feed, server, 1);
    // The stock server restores a session only after it has sent a packet with an offset of its own making.
    server.publish(1);
    await caughtUp(feed, server, 1);
    server.sockets()[0]?.conn.close();
    await until(() => (feed.state().status === "Closed" ? undefined : feed.state().status));
    await until(() => (feed.state().status === "Connected" ? undefined : feed.state().status));
    server.publish(2);
    await caughtUp(feed, server, 1);
    expect(server.asked).toHaveLength(1);
    expect(feed.state().counts).toMatchObject(flawless);
  });

  test("counts what it sees: a loss, a double and a late one", async () => {
    const server = await stage();
    const feed = feedOf(server);
    await caughtUp(feed, server, 1);
    server.send(252, 252, 254, 253);
    server.top = 254;
    await until(() => (feed.state().counts.outOfOrder === 1 ? undefined : "nothing late yet"));
    expect(feed.state().counts).toMatchObject({ missed: 1, doubled: 1, outOfOrder: 1, delivered: 102 });
    expect(feed.points.at(251)).toBeUndefined();
    expect(feed.points.at(253)).toBeUndefined();
  });

  test("loads anew when it is told that the log is gone, and calls nothing missed", async () => {
    const server = await stage();
    const feed = feedOf(server);
    await caughtUp(feed, server, 1);
    Object.assign(server, { epoch: "e2", first: 31, top: 40 });
    server.sockets()[0]?.emit("fanfare:reset", { channel, reason: "log_lost" });
    await caughtUp(feed, server, 2);
    expect(feed.points).toMatchObject({ count: 10, oldest: 31, newest: 40 });
    expect(feed.state()).toMatchObject({ reloads: 1, counts: flawless, position: { epoch: "e2" } });
  });

  test("shows a refusal as an error, and asks again when the server says when", async () => {
    const server = await stage();
    const refusal = { code: "BROKER_UNAVAILABLE", message: "The broker did not confirm in time.", retryAfterMs: 100 };
    server.refusals.push(refusal);
    const feed = feedOf(server);
    await until(() => (feed.state().status === "Error" ? undefined : feed.state().status));
    expect(feed.state().detail).toBe("BROKER_UNAVAILABLE: The broker did not confirm in time.");
    await caughtUp(feed, server, 2);
    expect(feed.state().counts).toMatchObject(flawless);
  });

  test("asks again when an answer does not come", async () => {
    const server = await stage();
    server.refusals.push(null);
    const feed = feedOf(server);
    await caughtUp(feed, server, 2);
    expect(feed.state().counts).toMatchObject(flawless);
  });

  test("says Error while there is no server", async () => {
    const feed = createFeed({ url: "http://127.0.0.1:9", channel, capacity: 100 });
    closers.push(() => feed.close());
    await until(() => (feed.state().status === "Error" ? undefined : feed.state().status));
    expect(feed.state().detail).toMatch(/trying again$/);
  });
});
