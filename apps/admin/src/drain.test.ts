import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

const clusterSecret = "shared by all";
let peer: Server;
let orders: string[];
let answer: number;
let admin: TestAdmin;

beforeEach(async () => {
  orders = [];
  answer = 202;
  peer = createServer((request, response) => {
    orders.push(`${request.method} ${request.url} ${request.headers["x-fanfare-secret"]}`);
    response.writeHead(answer).end("{}");
  });
  await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
  admin = await testAdmin({ clusterSecret, keys: ["all:a-secret", "reader:r:read", "operator:o:nodes"] });
  const { port } = peer.address() as AddressInfo;
  await node(admin, `http://127.0.0.1:${port}`);
});
afterEach(async () => {
  await admin.close();
  peer.close();
});

async function node({ backend }: TestAdmin, peerUrl: string): Promise<void> {
  const record = {
    node: "a",
    peerUrl,
    sidPrefix: "0123abcd",
    startedAt: 1,
    connections: 3,
    state: "ready",
    version: "1",
  } as const;
  await backend.directory.renew(record, 60_000);
}

test("a drain is handed to the node, with the cluster's secret, and accepted", async () => {
  const { status, body } = await call(admin, "POST", "/v1/nodes/a/drain");
  expect(status).toBe(202);
  expect(body).toEqual({ node: "a", state: "draining" });
  expect(orders).toEqual([`POST /drain ${clusterSecret}`]);
});

test("a drain needs the scope nodes", async () => {
  expect((await call(admin, "POST", "/v1/nodes/a/drain", { key: "r" })).status).toBe(403);
  expect((await call(admin, "POST", "/v1/nodes/a/drain", { key: "o" })).status).toBe(202);
});

test("a node that nobody knows is 404, and nobody is asked", async () => {
  const { status, body } = await call(admin, "POST", "/v1/nodes/b/drain");
  expect([status, body.code]).toEqual([404, "NOT_FOUND"]);
  expect(orders).toEqual([]);
});

test("a node that refuses or does not answer is 503, to be tried again", async () => {
  answer = 401;
  const refused = await call(admin, "POST", "/v1/nodes/a/drain");
  expect([refused.status, refused.body.code]).toEqual([503, "NODE_UNREACHABLE"]);
  await node(admin, "http://127.0.0.1:1");
  const gone = await call(admin, "POST", "/v1/nodes/a/drain");
  expect([gone.status, gone.body.code]).toEqual([503, "NODE_UNREACHABLE"]);
});

test("without a cluster secret nodes cannot be told, and the answer says what is missing", async () => {
  const without = await testAdmin();
  await node(without, `http://127.0.0.1:${(peer.address() as AddressInfo).port}`);
  const { status, body } = await call(without, "POST", "/v1/nodes/a/drain");
  expect([status, body.code]).toEqual([503, "NODE_UNREACHABLE"]);
  expect(body.detail).toContain("FANFARE_CLUSTER_SECRET");
  expect(orders).toEqual([]);
  await without.close();
});
