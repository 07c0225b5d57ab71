import { encode } from "notepack.io";
import { describe, expect, test } from "vitest";
import { parseForeign } from "./foreign.ts";

const opts = { rooms: ["{0}news"], except: [], flags: {} };
const packet = { type: 2, nsp: "/", data: ["headline", { n: 1 }] };
const message = { uid: "other", nsp: "/", type: 3, data: { packet, opts } };
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe("what stock nodes and emitters say", () => {
  test.each([
    ["JSON", json(message)],
    ["MessagePack", encode({ ...message, data: { packet: { ...packet, data: ["blob", Buffer.from([1])] }, opts } })],
  ])("a broadcast in %s is heard", (_, bytes) => {
    expect(parseForeign(bytes)).toEqual({ rooms: ["{0}news"], endsInString: false });
  });

  test("an event that ends in a string is told apart, because stock clients take it for their bookmark", () => {
    const told = (data: unknown[]) =>
      parseForeign(json({ ...message, data: { packet: { ...packet, data }, opts } }))?.endsInString;
    expect([told(["a", "text"]), told(["a", "text", 1]), told(["a"])]).toEqual([true, false, false]);
  });

  test.each<[string, Buffer]>([
    ["nothing", Buffer.alloc(0)],
    ["text", Buffer.from("hello")],
    ["half a JSON", Buffer.from('{"uid":')],
    ["half a MessagePack", encode(message).subarray(0, 20)],
    ["null", json(null)],
    ["a list", json([message])],
    ["a request to disconnect everybody", json({ ...message, type: 6, data: { opts: { rooms: [], except: [] }, close: true } })],
    ["a request to join a room", json({ ...message, type: 4, data: { opts, rooms: ["x"] } })],
    ["a broadcast that wants answers", json({ ...message, data: { packet, opts, requestId: "r" } })],
    ["another namespace", json({ ...message, nsp: "/admin" })],
    ["a packet of no known type", json({ ...message, data: { packet: { type: 99 }, opts } })],
    ["a disconnect packet", json({ ...message, data: { packet: { type: 1, nsp: "/" }, opts } })],
    ["an event without a name", json({ ...message, data: { packet: { ...packet, data: [] }, opts } })],
    ["an event of a reserved name", json({ ...message, data: { packet: { ...packet, data: ["disconnect"] }, opts } })],
    ["one of our notices", json({ ...message, data: { packet: { ...packet, data: ["fanfare:reset", {}] }, opts } })],
    ["rooms that are none", json({ ...message, data: { packet, opts: { ...opts, rooms: "news" } } })],
    ["no options", json({ ...message, data: { packet } })],
  ])("%s is not", (_, bytes) => {
    expect(parseForeign(bytes)).toBeUndefined();
  });
});
