import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DirectWrites } from "./direct-writes.ts";

/** More than the system takes for a peer that does not read. */
const manyBytes = 24_000_000;

let server: Server;
let ours: Socket;
let theirs: Socket;
let direct: DirectWrites;

beforeEach(async () => {
  server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  theirs = connect((server.address() as { port: number }).port, "127.0.0.1");
  [ours] = await accepted;
  for (const socket of [ours, theirs]) socket.on("error", () => {});
  const found = DirectWrites.find();
  if (found === undefined) throw new Error("Node looks different inside");
  direct = found;
});

afterEach(() => {
  ours.destroy();
  theirs.destroy();
  server.close();
});

/** Counts how often what was left has landed; `first` resolves at the first time. */
function landing() {
  let tell = (): void => {};
  const first = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const flight = {
    times: 0,
    first,
    landed() {
      flight.times++;
      tell();
    },
  };
  return flight;
}

test("the handles of sockets are found where they are used, and what encrypts is left to its stream", () => {
  expect(direct.reach(ours)).toBe(true);
  expect(direct.reach(new TLSSocket(ours))).toBe(false);
  expect(direct.reach(new Socket())).toBe(false);
  ours.destroy();
  expect(direct.reach(ours)).toBe(false);
  expect(direct.write(ours, Buffer.from("late"), landing())).toBeUndefined();
});

test("what Node does not show is not used", () => {
  const { binding } = process as unknown as { binding: unknown };
  try {
    for (const other of [
      undefined,
      () => ({}),
      () => ({ WriteWrap: class {}, streamBaseState: new Int32Array(1), kLastWriteWasAsync: 3 }),
    ]) {
      Object.assign(process, { binding: other });
      expect(DirectWrites.find()).toBeUndefined();
    }
    Object.assign(process, {
      binding() {
        throw new Error("ERR_ACCESS_DENIED");
      },
    });
    expect(DirectWrites.find()).toBeUndefined();
  } finally {
    Object.assign(process, { binding });
  }
});

test("a reader that is slow gets everything in order, whoever wrote it, and it counts until the system has it", async () => {
  const pieces = [Buffer.from("first "), Buffer.alloc(manyBytes, "x"), Buffer.alloc(100_000, "y"), Buffer.from(" last")];
  const flight = landing();
  theirs.pause();
  expect(direct.write(ours, pieces[0] as Buffer, flight)).toBe(0);
  expect(direct.write(ours, pieces[1] as Buffer, flight)).toBe(manyBytes);
  expect(flight.times).toBe(0);
  // By its stream, while the handle still has something to write.
  ours.write(pieces[2] as Buffer);
  expect(ours.writableLength).toBe(pieces[2]?.length);
  const heard = createHash("sha256");
  let bytes = 0;
  theirs.on("data", (chunk) => {
    heard.update(chunk);
    bytes += chunk.length;
  });
  theirs.resume();
  await Promise.all([flight.first, once(ours, "drain")]);
  expect(ours.writableLength).toBe(0);
  expect(direct.write(ours, pieces[3] as Buffer, flight)).toBe(0);
  ours.end();
  await once(theirs, "end");
  const all = Buffer.concat(pieces);
  expect(bytes).toBe(all.length);
  expect(heard.digest("hex")).toBe(createHash("sha256").update(all).digest("hex"));
  expect(flight.times).toBe(1);
});

test("what was under way is let go of when the socket ends, by whichever side, and nothing throws", async () => {
  const flight = landing();
  theirs.pause();
  expect(direct.write(ours, Buffer.alloc(manyBytes), flight)).toBe(manyBytes);
  const closed = new Promise((resolve) => ours.once("close", resolve));
  theirs.resetAndDestroy();
  await Promise.all([flight.first, closed]);
  expect(flight.times).toBe(1);
  expect(direct.write(ours, Buffer.from("late"), flight)).toBeUndefined();
});

test("a socket that is closed in order sends first what was under way", async () => {
  const flight = landing();
  let bytes = 0;
  expect(direct.write(ours, Buffer.alloc(manyBytes), flight)).toBe(manyBytes);
  ours.end();
  theirs.on("data", (chunk) => {
    bytes += chunk.length;
  });
  await once(theirs, "end");
  expect(bytes).toBe(manyBytes);
  expect(flight.times).toBe(1);
});
