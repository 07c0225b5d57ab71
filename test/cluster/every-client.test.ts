import { type Acked, judge, type TestClient, until } from "@fanfare/test-support";
import { describe, expect } from "vitest";
import { test } from "./cluster.ts";

const channels = Array.from({ length: 20 }, (_, index) => `public:c${index}`);

/** As many at a time as 2 cores can serve without anybody waiting for long. */
const publishersPerRoute = 8;

describe("three nodes, two admin processes", () => {
  test.override({ clusterOptions: { gateways: 3, admins: 2 } });

  test("5,000 publications from everywhere at once reach 60 clients of every kind, each once, in one order, without holes", async ({
    cluster,
  }) => {
    const kinds = [["websocket"], ["polling"], undefined] as const;
    const clients = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        // Each hears ten of the twenty channels, and every node has clients of every kind.
        cluster.client({
          via: cluster.gateway(index % 3),
          transports: kinds[Math.floor(index / 3) % 3],
          channels: hearing(index),
        }),
      ),
    );
    const acked = await publishFromEverywhere(5_000);

    await until(() => {
      const behind = clients.filter((client) => client.history.length < 2_500).length;
      return behind === 0 ? undefined : `${behind} clients have not heard everything`;
    }, 30_000);
    const judged = clients.map((client, index) => ({
      name: `client ${index}`,
      channels: hearing(index),
      history: client.history,
    }));
    expect(judge(acked, judged)).toEqual({ lost: [], doubled: [], disordered: [], wrong: [], excused: 0, resets: 0, fresh: 0 });
    for (const client of clients) expect(client.history).toHaveLength(2_500);
    for (const channel of channels) {
      const offsets = acked.filter((one) => one.channel === channel).map(({ offset }) => offset);
      expect(offsets.sort((a, b) => a - b)).toEqual(Array.from({ length: 250 }, (_, index) => index + 1));
    }
    const transports = new Set(clients.map(({ socket }) => socket.io.engine.transport.name));
    expect(transports).toEqual(new Set(["websocket", "polling"]));

    /** Half of it through both admin processes, half from clients of all nodes. */
    async function publishFromEverywhere(count: number): Promise<Acked[]> {
      const stored: Acked[] = [];
      let next = 0;
      const worker = async (publish: (channel: string, n: number) => Promise<Acked>): Promise<void> => {
        for (let n = next++; n < count; n = next++) stored.push(await publish(channels[n % channels.length] ?? "", n));
      };
      const routes = [
        ...cluster.admins.map(
          ({ rest }) =>
            (channel: string, n: number) =>
              rest.publish({ channel, data: { n }, id: `id${n}` }),
        ),
        ...[clients[0], clients[4], clients[8]].map((client) => (channel: string, n: number) => publishFrom(client, channel, n)),
      ];
      await Promise.all(routes.flatMap((route) => Array.from({ length: publishersPerRoute }, () => worker(route))));
      return stored;
    }
  });
});

function hearing(index: number): string[] {
  return channels.filter((_, channel) => channel % 2 === index % 2);
}

async function publishFrom(client: TestClient | undefined, channel: string, n: number): Promise<Acked> {
  const sentAtMs = performance.now();
  const [data, id] = [{ n }, `id${n}`];
  const answer = await client?.request("publish", { channel, data, id });
  if (answer?.ok !== true) throw new Error(`publish from a client: ${JSON.stringify(answer)}`);
  const { epoch, offset } = answer as unknown as { epoch: string; offset: number };
  return { channel, epoch, offset, id, data, sentAtMs, ackedAtMs: performance.now(), tries: 1 };
}
