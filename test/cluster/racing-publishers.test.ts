import { type Acked, judge, until } from "@fanfare/test-support";
import { describe, expect } from "vitest";
import { test } from "./cluster.ts";

const channel = "public:race";
const each = 300;

describe("two nodes, two admin processes", () => {
  test.override({ clusterOptions: { gateways: 2, admins: 2 } });

  test("two publishers racing on one channel from two admin processes make one order, the same for everyone", async ({
    cluster,
  }) => {
    const clients = await Promise.all(
      [0, 1, 0, 1].map((node) => cluster.client({ via: cluster.gateway(node), channels: [channel] })),
    );
    const race = cluster.admins.map(async ({ rest }, admin): Promise<Acked[]> => {
      const stored: Acked[] = [];
      for (let n = 0; n < each; n++) stored.push(await rest.publish({ channel, data: { admin, n } }));
      return stored;
    });
    const acked = (await Promise.all(race)).flat();
    await until(() => {
      const counts = clients.map((client) => client.heard(channel).length);
      return counts.every((count) => count === 2 * each) ? undefined : `heard ${counts}`;
    });

    const judged = clients.map(({ history }, index) => ({ name: `client ${index}`, channels: [channel], history }));
    expect(judge(acked, judged)).toMatchObject({ lost: [], doubled: [], disordered: [], wrong: [] });
    const [first, ...others] = clients.map((client) => client.heard(channel));
    for (const other of others) expect(other).toEqual(first);
    // It was a race: neither publisher went through in one piece.
    const turns = (first as { admin: number }[]).filter(({ admin }, index, all) => admin !== all[index - 1]?.admin).length;
    expect(turns).toBeGreaterThan(10);
    // And within it each publisher's own order holds, because it waited for its answers.
    for (const admin of [0, 1]) {
      const own = (first as { admin: number; n: number }[]).filter((one) => one.admin === admin).map(({ n }) => n);
      expect(own).toEqual(Array.from({ length: each }, (_, n) => n));
    }
  });
});
