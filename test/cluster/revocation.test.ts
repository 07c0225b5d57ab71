import { type Cluster, type ClusterOptions, promised, type TestClient, until } from "@fanfare/test-support";
import { describe, expect } from "vitest";
import { test } from "./cluster.ts";
import { tokenOf, tokenSecret } from "./tokens.ts";

const clusterOptions: ClusterOptions = {
  gateways: 3,
  env: { FANFARE_TOKEN_SECRET: tokenSecret },
  rules: { namespaces: { public: { subscribe: "anyone" } } },
};
test.override({ clusterOptions });

/** What is promised. */
const everywhereMs = 2_000;

const revoke = (cluster: Cluster, body: object) => cluster.admin(0).rest.call("POST", "/v1/revocations", body);
const closed = (client: TestClient) => (client.socket.connected ? `${client.socket.id} is still connected` : undefined);
/** As a network that breaks: the client comes back by itself, with the token that it has. */
const breakConnection = (client: TestClient) => client.socket.io.engine.close();
const refusals = (client: TestClient) => client.connectErrors.map(({ data }) => data?.code);

test("a revoked user's connections are closed on every node within two seconds, for good, and nobody else's", async ({
  cluster,
}) => {
  const channels = ["public:a"];
  const connect = (user: string | undefined, index: number) =>
    cluster.client({
      via: cluster.gateway(index % 3),
      transports: index % 2 === 0 ? ["websocket"] : ["polling"],
      channels,
      ...(user === undefined ? {} : { token: tokenOf({ sub: user }) }),
    });
  const six = [0, 1, 2, 3, 4, 5];
  const adas = await Promise.all(six.map((index) => connect("ada", index)));
  const others = await Promise.all(six.flatMap((index) => [connect("eve", index), connect(undefined, index)]));

  const { status, body } = await revoke(cluster, { user: "ada", reason: "left the company" });
  expect(status).toBe(200);
  expect(body).toMatchObject({ user: "ada", reason: "left the company", issuedBefore: expect.any(Number) });
  await until(() => adas.map(closed).find(Boolean), promised(everywhereMs));
  for (const ada of adas) {
    expect(ada.noticesOf("fanfare:closing")).toEqual([
      { code: "TOKEN_REVOKED", reason: "the token has been revoked", reconnect: false },
    ]);
    // The stock client has taken it for final: it does not try again.
    expect(ada.socket.active).toBe(false);
  }
  await cluster.publish("public:a", 1);
  await until(() => others.map((other) => (other.heard("public:a").length === 1 ? undefined : "not heard")).find(Boolean));
  expect(adas.flatMap((ada) => ada.heard("public:a"))).toEqual([]);
  expect(others.every(({ connects, socket }) => connects === 1 && socket.connected)).toBe(true);

  // Nor by hand, on any node; with a token that was issued since, it is welcome.
  for (const ada of adas) ada.socket.connect();
  await until(() => adas.map((ada) => (refusals(ada).length > 0 ? undefined : "not refused yet")).find(Boolean));
  expect(new Set(adas.flatMap(refusals))).toEqual(new Set(["TOKEN_REVOKED"]));
  const again = await cluster.client({ token: tokenOf({ sub: "ada", iat: Math.floor(Date.now() / 1_000) + 1 }) });
  expect(again.noticesOf("fanfare:welcome")).toMatchObject([{ user: "ada" }]);
});

describe("on two nodes", () => {
  test.override({ clusterOptions: { ...clusterOptions, gateways: 2 } });

  test("a client that was away when its token was revoked is not restored, by any node", async ({ cluster }) => {
    const clients = await Promise.all(
      cluster.gateways.map((via) => cluster.client({ via, channels: ["public:a"], token: tokenOf({ sub: "ada", jti: "t1" }) })),
    );
    const moving = await cluster.client({ channels: ["public:a"], token: tokenOf({ sub: "ada", jti: "t1" }) });
    const other = await cluster.client({ channels: ["public:a"], token: tokenOf({ sub: "ada", jti: "t2" }) });
    cluster.balancer.become("refuse");
    breakConnection(moving);
    breakConnection(other);
    await until(() => closed(moving) ?? closed(other));
    await revoke(cluster, { tokenId: "t1" });
    await until(() => clients.map(closed).find(Boolean), promised(everywhereMs));
    cluster.balancer.become("pass");
    await until(() => (refusals(moving).includes("TOKEN_REVOKED") ? undefined : `refused for ${refusals(moving)}`), 15_000);
    expect([moving.connects, moving.socket.active]).toEqual([1, false]);
    // Another token of the same user is another matter.
    await until(() => (other.recoveries === 1 ? undefined : "the other has not come back"), 15_000);
  });

  test("a revocation outlives a Redis that comes back empty, can be taken back, and is listed meanwhile", async ({ cluster }) => {
    const token = tokenOf({ sub: "ada" });
    const ada = await cluster.client({ token });
    const { body } = await revoke(cluster, { user: "ada" });
    await until(() => closed(ada), promised(everywhereMs));
    await cluster.redis.cli("flushall");
    const { rest } = cluster.admin(0);
    const listed = async () => ((await rest.call("GET", "/v1/revocations")).body as { items: unknown[] }).items;
    await until(async () => ((await listed()).length === 1 ? undefined : "the list has not come back"), 10_000);
    expect(await listed()).toEqual([body]);
    const back = await cluster.client({ token, wait: false });
    await until(() => (refusals(back).length > 0 ? undefined : "not refused yet"));
    expect(refusals(back)).toEqual(["TOKEN_REVOKED"]);

    const { id } = body as { id: string };
    await until(async () => {
      // A node that has not looked since Redis lost it gives it back once more: in doubt it holds.
      if ((await listed()).length > 0) expect((await rest.call("DELETE", `/v1/revocations/${id}`)).status).toBe(200);
      const client = await cluster.client({ token, wait: false });
      await until(() => (client.socket.connected || refusals(client).length > 0 ? undefined : "no answer"));
      return client.socket.connected ? undefined : `still ${refusals(client)}`;
    });
    expect((await rest.call("DELETE", `/v1/revocations/${id}`)).status).toBe(404);
  });
});
