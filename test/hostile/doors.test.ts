import { request } from "node:http";
import { signToken } from "@fanfare/access";
import { type GatewayProcess, until } from "@fanfare/test-support";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { test as plain } from "../cluster/cluster.ts";

/** What no log may contain, whatever is done with it. */
const secrets = {
  token: "s3cr3t-token-secret-that-is-long-enough",
  key: "s3cr3t-admin-key",
  wrongKey: "s3cr3t-wrong-key",
  cluster: "s3cr3t-cluster-secret-that-is-long",
  payload: "s3cr3t-payload",
  query: "s3cr3t-query",
} as const;

const test = plain.override({
  clusterOptions: {
    gateways: 2,
    env: {
      FANFARE_TOKEN_SECRET: secrets.token,
      FANFARE_ADMIN_KEYS: `ops:${secrets.key}`,
      FANFARE_CLUSTER_SECRET: secrets.cluster,
      FANFARE_ORIGINS: "https://app.example",
      FANFARE_LOG_LEVEL: "trace",
      FANFARE_AUDIT: "all",
    },
  },
});

/** How a node closes a websocket that does `act`: its close code, or the status of a refused upgrade. */
function closed({ port }: GatewayProcess, act: (socket: WebSocket) => void, options: object = {}): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`, options);
    socket.on("error", () => undefined);
    socket.once("unexpected-response", (_, answer) => resolve(answer.statusCode ?? 0));
    socket.once("open", () => act(socket));
    socket.once("close", (code) => resolve(code));
  });
}

test("foreign pages, fragments, compression and oversized messages are refused, and no secret is in any log", async ({
  cluster,
}) => {
  const node = cluster.gateway(0);
  const goodbye = (socket: WebSocket): void => socket.close(4_000);

  // A script has no origin, and a page of any origin may run it.
  for (const j of ["j=0", "%6A=0", "j=0&j=1", "j"]) {
    const answer = await fetch(`${cluster.gateway(0).url}/socket.io/?EIO=4&transport=polling&${j}`);
    expect([j, answer.status]).toEqual([j, 403]);
  }
  // Origins: the same verdict for websocket and polling.
  for (const [origin, allowed] of [
    [undefined, true],
    ["https://app.example", true],
    [`http://127.0.0.1:${node.port}`, true],
    ["https://evil.example", false],
    ["https://app.example.evil.example", false],
    ["http://app.example", false],
    ["https://app.example:8443", false],
    ["https://APP.example.", false],
    ["null", false],
    ["", false],
    ["file://", false],
    [`http://127.0.0.1:${node.port}.evil.example`, false],
  ] as const) {
    const headers = origin === undefined ? {} : { origin };
    const polling = await new Promise<number>((resolve, reject) => {
      const path = "/socket.io/?EIO=4&transport=polling";
      request({ port: node.port, host: "127.0.0.1", path, headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      })
        .once("error", reject)
        .end();
    });
    const websocket = await closed(node, goodbye, { headers });
    expect([origin, polling, websocket >= 400 && websocket < 500]).toEqual([origin, allowed ? 200 : 403, !allowed]);
  }

  // No compression is agreed on, though the client offers it.
  await closed(
    node,
    (socket) => {
      expect(socket.extensions).toBe("");
      socket.close();
    },
    { perMessageDeflate: true },
  );
  // A message in very many pieces, and one that is too large.
  const fragments = await closed(node, (socket) => {
    for (let at = 0; at < 200; at++) socket.send("x", { fin: false });
  });
  expect(fragments).toBe(1_008);
  expect(await closed(node, (socket) => socket.send("x".repeat(2_000_000)))).toBe(1_009);

  // Everything that has a secret in it, rightly and wrongly.
  const token = await signToken({ secret: secrets.token, user: "ada", ttlSeconds: 60 });
  const ada = await cluster.client({ via: node, token, channels: ["public:a"], query: { note: secrets.query } });
  await ada.request("publish", { channel: "public:a", data: secrets.payload });
  await ada.request("publish", { channel: "public:a", data: { deep: secrets.payload }, event: 7 });
  await ada.request("refresh", { token: `${token}x` });
  const stranger = await cluster.client({ via: node, token: `${token.slice(0, -4)}abcd`, wait: false });
  await until(() => (stranger.connectErrors.length > 0 ? undefined : "the wrong token was not refused"));
  const admin = `http://127.0.0.1:${cluster.admin(0).port}`;
  const post = (key: string, path: string, body: unknown): Promise<Response> =>
    fetch(`${admin}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", cookie: `a=${secrets.query}` },
      body: JSON.stringify(body),
    });
  expect((await post(secrets.key, "/v1/publish", { channel: "public:a", data: secrets.payload })).status).toBe(200);
  expect((await post(secrets.wrongKey, "/v1/publish", { channel: "public:a", data: secrets.payload })).status).toBe(401);
  expect((await post(secrets.key, `/v1/publish?a=${secrets.query}`, { channel: secrets.payload })).status).toBe(400);
  const peer = `http://127.0.0.1:${node.peerPort}/relay/claim?sid=${secrets.query}`;
  for (const shown of [secrets.cluster, `${secrets.cluster}x`]) {
    await fetch(peer, { method: "POST", headers: { "x-fanfare-secret": shown } });
  }
  await until(() => (ada.heard("public:a").length >= 2 ? undefined : "not everything arrived"));

  const lines = [...cluster.gateways, ...cluster.admins].flatMap(({ log }) => log());
  expect(lines.some((line) => line.includes('"msg":"audit"'))).toBe(true);
  expect(lines.filter((line) => line.includes("s3cr3t") || line.includes(token.split(".")[2] ?? token))).toEqual([]);
});
