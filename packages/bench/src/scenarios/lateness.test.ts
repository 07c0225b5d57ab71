import { expect, test } from "vitest";
import { isLate } from "./lateness.ts";

const onTime = { how: "paced", inTurn: false, perRead: 1.1, perWrite: 1, idleShare: 0.4, wanted: 0.5 } as const;

test("a reader that gets about as much at once as was written at once is on time", () => {
  expect(isLate(onTime)).toBe(false);
  expect(isLate({ ...onTime, perRead: 15, perWrite: 16 })).toBe(false);
});

test("a reader that gets several frames at once of a server with time to spare is late", () => {
  expect(isLate({ ...onTime, perRead: 1.6 })).toBe(true);
});

test("several at once are no lateness where the server has several for each client, as long as the reader sleeps at times", () => {
  expect(isLate({ ...onTime, perRead: 9, how: "backlog" })).toBe(false);
  expect(isLate({ ...onTime, perRead: 9, wanted: 0.9 })).toBe(false);
  expect(isLate({ ...onTime, perRead: 9, how: "backlog", idleShare: 0.01 })).toBe(true);
});

test("a server that writes message by message never has several for one client", () => {
  expect(isLate({ ...onTime, perRead: 2, how: "backlog", inTurn: true })).toBe(true);
});
