import { expect, test } from "vitest";
import { createLog, type LogOptions } from "./log.ts";

function logged(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({
    name: "gateway",
    level: "info",
    pretty: false,
    destination: { write: (line) => void lines.push(line) },
    ...options,
  });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? "null") as Record<string, unknown> };
}

test("a line is one JSON object with the level by name, the app, the node and the constant message", () => {
  const { log, lines, last } = logged({ node: "n1" });
  log.info({ port: 8_000 }, "ready");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^\{.*\}\n$/);
  expect(last()).toMatchObject({ level: "info", name: "gateway", node: "n1", port: 8_000, msg: "ready" });
  expect(last()).not.toHaveProperty("pid");
});

test("what is below the level is not written", () => {
  const { log, lines } = logged({ level: "warn" });
  log.info("quiet");
  log.warn("loud");
  expect(lines).toHaveLength(1);
});

test.each([
  { token: "s3cret" },
  { headers: { authorization: "s3cret" } },
  { request: { headers: { cookie: "s3cret", authorization: "s3cret" } } },
  { settings: { tokenSecret: "s3cret", adminKeys: ["a:s3cret"], redisUrl: "redis://:s3cret@host", clusterSecret: "s3cret" } },
  { auth: { token: "s3cret", password: "s3cret", secret: "s3cret" } },
])("secrets are logged as set: %j", (fields) => {
  const { log, lines } = logged();
  log.info(fields, "connected");
  expect(lines.join()).not.toContain("s3cret");
  expect(lines.join()).toContain('"set"');
});

test("an error is logged with its code, its stack and what caused it", () => {
  const { log, last } = logged();
  const err = Object.assign(new Error("not confirmed", { cause: new Error("ECONNREFUSED") }), { code: "BROKER_UNAVAILABLE" });
  log.warn({ err }, "publish failed");
  expect(last().err).toMatchObject({ code: "BROKER_UNAVAILABLE", stack: expect.stringContaining("ECONNREFUSED") });
});

test("people get lines to read instead of JSON", () => {
  const lines: string[] = [];
  const log = createLog({
    name: "up",
    level: "info",
    pretty: true,
    destination: { write: (line) => void lines.push(line) },
  });
  log.info({ port: 8_000 }, "ready");
  expect(lines.join()).toMatch(/INFO.*ready.*8000.*\n$/);
});
