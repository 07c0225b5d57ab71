import { expect, test } from "vitest";
import type { AuditLevel } from "./audit.ts";
import { call } from "./testing/call.ts";
import { testAdmin } from "./testing/test-admin.ts";

/** What a few writes, reads and refusals leave in the log. */
async function linesOf(audit: AuditLevel): Promise<Record<string, unknown>[]> {
  const logLines: string[] = [];
  const admin = await testAdmin({ audit, logLines, keys: ["ops:s3cr3t-ops", "reader:s3cr3t-reader:read"] });
  const headers = { "x-request-id": "req-1" };
  const body = { channel: "news", data: "p4yload" };
  await call(admin, "POST", "/v1/publish", { key: "s3cr3t-ops", headers, body });
  await call(admin, "POST", "/v1/publish/stream", {
    key: "s3cr3t-ops",
    type: "application/x-ndjson",
    body: JSON.stringify(body),
  });
  await call(admin, "POST", "/v1/publish", { key: "s3cr3t-reader", body });
  await call(admin, "DELETE", "/v1/channels/news/history?x=s3cr3t-query", { key: "s3cr3t-ops" });
  await call(admin, "GET", "/v1/channels/news", { key: "s3cr3t-ops" });
  await call(admin, "POST", "/v1/publish", { key: "s3cr3t-wrong", body });
  await call(admin, "POST", "/v1/nowhere", { key: "s3cr3t-ops", body });
  await admin.close();
  const text = logLines.join("");
  expect(text).not.toContain("s3cr3t");
  expect(text).not.toContain("p4yload");
  return logLines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "audit");
}

test("every write leaves a line: whose, which, from where, with which answer", async () => {
  const lines = await linesOf("all");
  expect(lines.map(({ key, method, route, status }) => [key, method, route, status])).toEqual([
    ["ops", "POST", "/v1/publish", 200],
    ["ops", "POST", "/v1/publish/stream", 200],
    ["reader", "POST", "/v1/publish", 403],
    ["ops", "DELETE", "/v1/channels/:channel/history", 400],
    ["ops", "POST", "none", 404],
  ]);
  expect(lines[0]).toMatchObject({ requestId: "req-1", path: "/v1/publish", address: "127.0.0.1", level: "info" });
  expect(lines[3]).toMatchObject({ path: "/v1/channels/news/history" });
});

test("publishing can be left out, and all of it", async () => {
  expect((await linesOf("changes")).map(({ method }) => method)).toEqual(["DELETE", "POST"]);
  expect(await linesOf("off")).toEqual([]);
});
