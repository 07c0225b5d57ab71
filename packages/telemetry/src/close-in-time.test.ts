import { expect, test } from "vitest";
import { closeInTime } from "./close-in-time.ts";
import { createLog } from "./log.ts";

/** Closes like this; the status and every line that was logged. */
async function ended(close: () => Promise<unknown>, drainMs: number) {
  const lines: unknown[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const log = createLog({ name: "gateway", level: "info", pretty: false, destination });
  return { status: await closeInTime({ close, drainMs, log }), lines };
}

test("what is closed in time ends with 0, and nothing is said", async () => {
  let isClosed = false;
  const close = async () => {
    await Promise.resolve();
    isClosed = true;
  };
  expect(await ended(close, 60_000)).toEqual({ status: 0, lines: [] });
  expect(isClosed).toBe(true);
});

test.each([0, 5])("what is never closed ends with 1 after %i ms, and the log says that it was late", async (drainMs) => {
  const forEver = () => new Promise<never>(() => undefined);
  const late = expect.objectContaining({ level: "warn", drainMs, msg: "not stopped in time: ending now" });
  expect(await ended(forEver, drainMs)).toEqual({ status: 1, lines: [late] });
});

test("what cannot be closed ends with 1 at once, and the log says why", async () => {
  const failing = () => Promise.reject(new Error("no goodbye"));
  const err = expect.objectContaining({ message: "no goodbye" });
  const why = expect.objectContaining({ level: "error", err, msg: "stopping failed" });
  expect(await ended(failing, 60_000)).toEqual({ status: 1, lines: [why] });
});
