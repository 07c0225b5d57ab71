import { type Cluster, startCluster, type TestClient, until } from "@fanfare/test-support";
import { afterAll, afterEach, beforeAll, expect, type TestContext, test } from "vitest";
import { tokenOf, tokenSecret } from "./tokens.ts";

/* One cluster for all tests, which follow one another: the last one kills a node. */
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({
    gateways: 2,
    env: { FANFARE_TOKEN_SECRET: tokenSecret, FANFARE_CLUSTER_SECRET: "fedcba9876543210fedcba9876543210" },
  });
});
afterEach(({ task }: TestContext) => {
  for (const client of cluster.clients) client.close();
  if (task.result?.state === "fail") console.error(cluster.log());
});
afterAll(() => cluster.stop());

/** A client of this user on a node, once the lists have it. */
async function clientOf(user: string, on: number): Promise<TestClient> {
  const client = await cluster.client({ via: cluster.gateway(on), token: tokenOf({ sub: user }) });
  await until(async () => {
    const { status } = await cluster.admin(0).rest.call("GET", `/v1/connections/${client.socket.id}`);
    return status === 200 ? undefined : `the connection is answered ${status}`;
  });
  return client;
}

const act = (method: string, path: string, body?: unknown) => cluster.admin(0).rest.call(method, path, body);

test("an event reaches all connections of a user and nobody else, as it was written", async () => {
  const [one, two, other] = await Promise.all([clientOf("ada", 0), clientOf("ada", 1), clientOf("bob", 0)]);
  const { status, body } = await act("POST", "/v1/users/ada/emit", '{"event":"invited","data":"now"}');
  expect([status, body]).toEqual([
    200,
    {
      applied: 2,
      nodes: [cluster.gateway(0).node, cluster.gateway(1).node].sort().map((node) => ({ node, applied: 1 })),
    },
  ]);
  for (const client of [one, two]) {
    await until(() => (client.noticesOf("invited").length === 1 ? undefined : "not invited"));
    expect(client.noticesOf("invited")).toEqual([["now", { at: expect.any(Number) }, null]]);
  }
  expect(other.noticesOf("invited")).toEqual([]);
});

test("who was subscribed by the application stays so over a reconnect, whatever the rules say, until it is ended", async () => {
  const ada = await clientOf("ada", 0);
  const path = `/v1/connections/${ada.socket.id}`;
  expect(await ada.request("subscribe", "secret:1")).toMatchObject({ ok: false, error: { code: "FORBIDDEN" } });
  expect((await act("POST", `${path}/subscribe`, { channel: "secret:1" })).body).toMatchObject({ applied: 1 });
  await until(() => (ada.noticesOf("fanfare:subscribed").length === 1 ? undefined : "not told"));
  expect(ada.noticesOf("fanfare:subscribed")).toEqual([
    { channel: "secret:1", epoch: expect.any(String), offset: expect.any(Number) },
  ]);
  await cluster.publish("secret:1", 1);
  await until(() => (ada.heard("secret:1").length === 1 ? undefined : "not heard"));

  ada.socket.io.engine?.close();
  await until(() => (ada.recoveries === 1 ? undefined : "not recovered"));
  await cluster.publish("secret:1", 2);
  await until(() => (ada.heard("secret:1").length === 2 ? undefined : `heard ${ada.heard("secret:1")}`));

  await act("POST", `${path}/unsubscribe`, { channel: "secret:1" });
  await until(() => (ada.noticesOf("fanfare:unsubscribed").length === 1 ? undefined : "not told"));
  expect(ada.noticesOf("fanfare:unsubscribed")).toEqual([{ channel: "secret:1", code: "ENDED_BY_SERVER" }]);
  expect(await ada.request("subscribe", "secret:1")).toMatchObject({ ok: false, error: { code: "FORBIDDEN" } });
});

test("a connection that may have no more subscriptions is not given one", async () => {
  const ada = await clientOf("ada", 0);
  for (let number = 0; number < 128; number++) await ada.subscribe(`public:${number}`);
  const { status, body } = await act("POST", `/v1/connections/${ada.socket.id}/subscribe`, { channel: "secret:1" });
  expect([status, body]).toMatchObject([422, { code: "SUBSCRIPTIONS_EXCEEDED" }]);
  const { body: ofUser } = await act("POST", "/v1/users/ada/subscribe", { channel: "secret:1" });
  expect(ofUser).toMatchObject({ applied: 0, refused: [{ id: ada.socket.id, code: "SUBSCRIPTIONS_EXCEEDED" }] });
});

test("who is disconnected comes back when it is to, and stays away when it is not", async () => {
  const [back, away] = await Promise.all([clientOf("ada", 0), clientOf("ada", 1)]);
  const coming = await act("DELETE", `/v1/connections/${back.socket.id}?reconnect=true&code=MOVED&reason=elsewhere`);
  expect([coming.status, coming.body]).toMatchObject([200, { applied: 1 }]);
  await until(() => (back.recoveries === 1 ? undefined : "it has not come back"));
  expect(back.noticesOf("fanfare:closing")).toEqual([{ code: "MOVED", reason: "elsewhere", reconnect: true }]);

  const gone = await act("DELETE", "/v1/users/ada/connections");
  expect([gone.status, gone.body]).toMatchObject([200, { applied: 2 }]);
  for (const client of [back, away]) await until(() => (client.socket.active ? "it would come back" : undefined));
  expect(away.noticesOf("fanfare:closing")).toMatchObject([{ code: "ENDED_BY_SERVER", reconnect: false }]);
});

test("a connection that nobody has is 404, a user without any is nothing to do", async () => {
  expect((await act("DELETE", "/v1/connections/nobody")).status).toBe(404);
  const { status, body } = await act("DELETE", "/v1/users/nobody/connections");
  expect([status, body]).toEqual([200, { applied: 0, nodes: [] }]);
});

test("reserved names are refused", async () => {
  for (const event of ["disconnect", "fanfare:closing"]) {
    const { status, body } = await act("POST", "/v1/users/ada/emit", { event, data: 1 });
    expect([status, body]).toMatchObject([400, { code: "EVENT_INVALID" }]);
  }
});

test("what a killed node does not confirm is a 202 that names it", async () => {
  const ada = await clientOf("ada", 1);
  ada.socket.io.reconnection(false);
  const { id } = ada.socket;
  await cluster.kill(cluster.gateway(1), "SIGKILL");
  const { status, body } = await act("POST", `/v1/connections/${id}/emit`, { data: 1 });
  expect([status, body]).toEqual([202, { applied: 0, nodes: [], nodesMissing: [cluster.gateway(1).node] }]);
});
