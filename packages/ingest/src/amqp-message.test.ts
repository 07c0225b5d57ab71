import { expect, test } from "vitest";
import { draftOfAmqp } from "./amqp-message.ts";

const draftOf = (properties: object) =>
  draftOfAmqp(
    { fields: { exchange: "", routingKey: "news" }, properties, content: Buffer.from("1") },
    "{routing-key}",
    () => "fallback",
  );

test.each([
  ["no word of it", {}, undefined],
  ["a header in seconds", { headers: { ttl: 60 } }, 60],
  ["a header as text", { headers: { ttl: "60" } }, 60],
  ["an expiration in milliseconds", { expiration: "60000" }, 60],
  ["an expiration of less than a second", { expiration: "1" }, 1],
  ["an expiration of more than a year", { expiration: "99999999999999" }, 31_536_000],
  ["a header, which is meant more than the expiration", { headers: { ttl: 5 }, expiration: "60000" }, 5],
])("%s gives the publication its time to live", (_what, properties, ttlSeconds) => {
  expect(draftOf(properties).ttlSeconds).toBe(ttlSeconds);
});

test.each([0, -1, 1.5, "soon", {}])("a header ttl of %j makes a message poison", (ttl) => {
  expect(() => draftOf({ headers: { ttl } })).toThrow(expect.objectContaining({ code: "REQUEST_INVALID" }));
});

test("an expiration that is no number makes a message poison", () => {
  expect(() => draftOf({ expiration: "soon" })).toThrow(expect.objectContaining({ code: "REQUEST_INVALID" }));
});

test.each([
  ["no word of it", {}, undefined],
  ["what instrumentation has put there", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true],
  ["what is malformed", "00-4bf92f3577b34da6a3ce929d0e0e4736-01", undefined],
  ["what is no text", 17, undefined],
])("of a header traceparent with %s nothing but a sound one goes on", (_what, traceparent, goesOn) => {
  expect(draftOf({ headers: { traceparent } }).traceparent).toBe(goesOn && traceparent);
});
