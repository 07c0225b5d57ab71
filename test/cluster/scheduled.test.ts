import { until } from "@fanfare/test-support";
import { describe, expect } from "vitest";
import { test } from "./cluster.ts";

const channel = "public:later";

describe("publications for later", () => {
  test.override({ clusterOptions: { redis: { appendOnly: true } } });

  test("are heard once, also those whose admin API is gone and those that became due while Redis was away", async ({
    cluster,
  }) => {
    const clients = await Promise.all([0, 1].map((node) => cluster.client({ via: cluster.gateway(node), channels: [channel] })));
    const schedule = async (data: string, inMs: number): Promise<void> => {
      const { status } = await cluster.admin(0).rest.call("POST", "/v1/publish", { channel, data, at: Date.now() + inMs });
      expect(status).toBe(202);
    };
    const heardBy = async (...data: string[]): Promise<void> => {
      await until(() => {
        const heard = clients.map((client) => client.heard(channel));
        return heard.every(({ length }) => length >= data.length) ? undefined : `heard ${JSON.stringify(heard)}`;
      }, 15_000);
      for (const client of clients) expect(client.heard(channel)).toEqual(data);
    };
    const startedMs = Date.now();
    await schedule("on time", 700);
    await heardBy("on time");
    expect(Date.now() - startedMs).toBeGreaterThanOrEqual(690);

    await schedule("Redis is away", 1_000);
    await cluster.redis.kill();
    await until(() => (Date.now() - startedMs > 2_500 ? undefined : "it is not due yet"));
    await cluster.redis.restart();
    await heardBy("on time", "Redis is away");

    await schedule("the admin API is gone", 1_000);
    for (const admin of cluster.admins) await cluster.kill(admin, "SIGKILL");
    await heardBy("on time", "Redis is away", "the admin API is gone");
  });
});
