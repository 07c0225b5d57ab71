import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { catalogue } from "@fanfare/domain";
import { until } from "@fanfare/test-support";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

let admin: TestAdmin;
let port: number;
beforeAll(async () => {
  admin = await testAdmin();
  await admin.app.listen({ host: "127.0.0.1", port: 0 });
  port = (admin.app.server.address() as AddressInfo).port;
});
afterAll(() => admin.close());

/** Writes bytes and resolves with all that comes back until the server closes, or `enough` has come. */
async function raw(bytes: string, enough?: RegExp): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => {
    text += String(chunk);
  });
  socket.on("error", () => undefined);
  socket.write(bytes);
  await until(() => (socket.closed || enough?.test(text) ? undefined : `only ${JSON.stringify(text)}`));
  socket.destroy();
  return text;
}

test("an address that does not exist is 404, one that does with another method 405 with Allow", async () => {
  expect((await call(admin, "GET", "/nothing")).body).toMatchObject({ code: "NOT_FOUND", status: 404 });
  for (const [method, url, allow] of [
    ["GET", "/v1/publish", "POST"],
    ["DELETE", "/v1/publish/batch", "POST"],
    ["PATCH", "/v1/publish/stream", "POST"],
    ["POST", "/v1/channels/a", "GET, HEAD"],
    ["PUT", "/v1/channels/a/history", "DELETE, GET, HEAD"],
    ["OPTIONS", "/v1/nodes", "GET, HEAD"],
    ["POST", "/readyz", "GET, HEAD"],
  ] as const) {
    const answer = await call(admin, method, url, { body: "x", type: "text/plain" });
    expect([answer.status, answer.body.code, answer.headers.allow]).toEqual([405, "METHOD_NOT_ALLOWED", allow]);
  }
});

test("a problem is application/problem+json with the catalogue's words, a link and the request's id", async () => {
  const answer = await call(admin, "GET", "/nothing", { headers: { "x-request-id": "my-id.1" } });
  expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  expect(answer.headers["x-request-id"]).toBe("my-id.1");
  expect(answer.body).toEqual({
    type: "/docs/errors#NOT_FOUND",
    title: catalogue.NOT_FOUND.says,
    status: 404,
    code: "NOT_FOUND",
    requestId: "my-id.1",
  });
  const page = await call(admin, "GET", "/docs/errors");
  for (const code of Object.keys(catalogue)) expect(page.text).toContain(`id="${code}"`);
});

test("a request id that cannot be repeated safely is replaced, and each request has its own", async () => {
  for (const id of ["", "a b", "x".repeat(65), "ü", '"', "a,b"]) {
    const answer = await call(admin, "GET", "/healthz", { headers: { "x-request-id": id } });
    expect(answer.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  }
  const [one, two] = await Promise.all([call(admin, "GET", "/healthz"), call(admin, "GET", "/healthz")]);
  expect(one?.headers["x-request-id"]).not.toBe(two?.headers["x-request-id"]);
});

test("media types and encodings that are not read are 415", async () => {
  const body = { channel: "a", data: 1 };
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense", "application/x-ndjson"]) {
    const answer = await call(admin, "POST", "/v1/publish", { body, type });
    expect([answer.status, answer.body.code]).toEqual([415, "MEDIA_TYPE_UNSUPPORTED"]);
  }
  const json = await call(admin, "POST", "/v1/publish/stream", { body });
  expect(json.body.code).toBe("MEDIA_TYPE_UNSUPPORTED");
  const zipped = await call(admin, "POST", "/v1/publish", { body, headers: { "content-encoding": "gzip" } });
  expect(zipped.body.code).toBe("MEDIA_TYPE_UNSUPPORTED");
  const charset = await call(admin, "POST", "/v1/publish", { body, type: "application/json; charset=UTF-8" });
  expect(charset.status).toBe(200);
});

test("a body of just 1 MiB is taken, of one byte more is 413, with a stated length and without", async () => {
  const body = (bytes: number) => `{"channel":"big","data":"${"x".repeat(bytes - 27)}"}`;
  expect((await call(admin, "POST", "/v1/publish", { body: body(1_048_576) })).status).toBe(200);
  const stated = await call(admin, "POST", "/v1/publish", { body: body(1_048_577) });
  expect([stated.status, stated.body.code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);

  const chunk = "x".repeat(65_536);
  const head = `POST /v1/publish HTTP/1.1\r\nHost: a\r\nX-API-Key: ${admin.key}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const text = await raw(head + `10000\r\n${chunk}\r\n`.repeat(32), /PAYLOAD_TOO_LARGE/);
  expect(text).toMatch(/^HTTP\/1\.1 413 /);
});

test("a client that writes all of a 5 MiB body before it reads still gets the answer, on a connection that stays usable", async () => {
  const bytes = 5 * 1_048_576;
  const head = `POST /v1/publish HTTP/1.1\r\nHost: a\r\nX-API-Key: ${admin.key}\r\nContent-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n`;
  const socket = connect(port, "127.0.0.1");
  socket.pause();
  await new Promise<void>((resolve) => socket.write(head + "x".repeat(bytes), () => resolve()));
  socket.write("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  expect(text).toMatch(/^HTTP\/1\.1 413 [\s\S]*PAYLOAD_TOO_LARGE[\s\S]*HTTP\/1\.1 200 /);
});

test.each([
  ["a path that cannot be decoded", "GET /v1/%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400],
  ["no HTTP at all", "\u0016\u0003\u0001 hello\r\n\r\n", 400],
  ["an unknown method", "BREW /v1/publish HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["headers without end", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
  ["two lengths", "POST /v1/publish HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400],
  ["a negative length", "POST /v1/publish HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400],
])("%s is answered with a problem", async (_what, bytes, status) => {
  const text = await raw(bytes);
  expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(text).toMatch(/application\/problem\+json/);
  expect(JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4))).toMatchObject({ status, code: "REQUEST_INVALID" });
});

test("a method that HTTP knows and we do not is refused with a code", async () => {
  const text = await raw(`PROPFIND /v1/publish HTTP/1.1\r\nHost: a\r\nX-API-Key: ${admin.key}\r\nConnection: close\r\n\r\n`);
  expect(text).toMatch(/^HTTP\/1\.1 40[45] /);
  expect(text).toMatch(/"code":"(NOT_FOUND|METHOD_NOT_ALLOWED)"/);
});

test("requests that are broken off in the middle do no harm", async () => {
  const head = `POST /v1/publish HTTP/1.1\r\nHost: a\r\nX-API-Key: ${admin.key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;
  for (let n = 0; n < 20; n++) {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(head);
    if (n % 2 === 0) socket.resetAndDestroy();
    else socket.end();
  }
  expect((await call(admin, "GET", "/healthz")).status).toBe(200);
  const { text } = await call(admin, "GET", "/metrics");
  expect(text).not.toMatch(/status="5/);
});

test("answers of the API are not to be cached or sniffed", async () => {
  const { headers } = await call(admin, "GET", "/v1/nodes");
  expect(headers).toMatchObject({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
});
