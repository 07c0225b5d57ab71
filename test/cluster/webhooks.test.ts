import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Cluster, startCluster, until } from "@fanfare/test-support";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";

const secret = "fedcba9876543210fedcba9876543210";

interface Delivered {
  readonly id: string;
  readonly type: string;
  readonly connection?: string;
}

/** The application: checks who speaks, and tells events apart by their ids. */
let application: Server;
let status = 200;
const seen: Delivered[] = [];
let doubles = 0;
let cluster: Cluster;

beforeAll(async () => {
  application = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      const { "x-fanfare-timestamp": timestamp, "x-fanfare-signature": signature } = request.headers;
      const expected = `v1=${createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")}`;
      if (signature !== expected || Math.abs(Date.now() / 1_000 - Number(timestamp)) > 60) response.writeHead(401).end();
      else if (status !== 200) response.writeHead(status).end();
      else {
        for (const event of (JSON.parse(body) as { events: Delivered[] }).events) {
          if (seen.some(({ id }) => id === event.id)) doubles++;
          else seen.push(event);
        }
        response.writeHead(204).end();
      }
    });
  });
  await new Promise<void>((resolve) => application.listen(0, "127.0.0.1", resolve));
  cluster = await startCluster({
    gateways: 1,
    admins: 2,
    env: {
      FANFARE_WEBHOOK_URL: `http://127.0.0.1:${(application.address() as AddressInfo).port}/hook`,
      FANFARE_WEBHOOK_SECRET: secret,
      FANFARE_WEBHOOK_EVENTS: "connected,disconnected",
      FANFARE_WEBHOOK_TRIES: "2",
    },
  });
  // From now on: what was before anybody delivered is nobody's news.
  await until(async () =>
    String(await cluster.redis.cli("exists", "fanfare:{0}:webhook:after")).trim() === "1" ? undefined : "nobody leads",
  );
});
afterAll(async () => {
  await cluster.stop();
  application.close();
});

const connect = () => cluster.client({ transports: ["websocket"], channels: ["public:a"] });
const untilSeen = (connection: string, type: string): Promise<void> => {
  onTestFailed(() => console.error(cluster.log()));
  return until(() => {
    const found = seen.some((event) => event.type === type && event.connection === connection);
    return found ? undefined : `no ${type} of ${connection} in ${JSON.stringify(seen)}`;
  }, 10_000);
};
const dead = async () =>
  (await cluster.admin(0).rest.call("GET", "/v1/webhooks/dead")).body as {
    items: { id: string; tries: number; error: string }[];
  };

test("the application is told what it wants to know, signed, once, by one of two admin processes", async () => {
  const ada = await connect();
  const connection = String(ada.socket.id);
  ada.close();
  await untilSeen(connection, "disconnected");
  expect(seen.filter((event) => event.connection === connection).map(({ type }) => type)).toEqual(["connected", "disconnected"]);
  expect(doubles).toBe(0);
});

test("what the application refuses is tried again, then put aside, and delivered when somebody wants it", async () => {
  status = 500;
  const ada = await connect();
  const connection = String(ada.socket.id);
  await until(async () => ((await dead()).items.length > 0 ? undefined : "nothing was given up"), 10_000);
  const [letter] = (await dead()).items;
  expect(letter).toMatchObject({ tries: 2, error: "the application answered with status 500" });
  status = 200;
  ada.close();
  await untilSeen(connection, "disconnected");
  expect(seen.some((event) => event.connection === connection && event.type === "connected")).toBe(false);
  const replay = await cluster.admin(1).rest.call("POST", "/v1/webhooks/dead/replay", { ids: [letter?.id] });
  expect([replay.status, replay.body]).toEqual([202, { replaying: 1 }]);
  await untilSeen(connection, "connected");
  await until(async () => ((await dead()).items.length === 0 ? undefined : "still in the list"));
  expect(doubles).toBe(0);
});

test("when the process that delivers ends, the other one goes on where it was", async () => {
  const told = await Promise.all(cluster.admins.map(({ rest }) => rest.call("GET", "/metrics")));
  const leader = told.findIndex(({ body }) => /^fanfare_webhook_events_total [1-9]/m.test(String(body)));
  await cluster.kill(cluster.admin(leader), "SIGTERM");
  const ada = await connect();
  await untilSeen(String(ada.socket.id), "connected");
  expect(doubles).toBe(0);
});
