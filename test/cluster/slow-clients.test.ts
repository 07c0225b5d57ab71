import type { TestClient } from "@fanfare/test-support";
import { type GatewayProcess, until } from "@fanfare/test-support";
import { describe, expect } from "vitest";
import { test } from "./cluster.ts";

/** What the system itself takes off a node for one client that does not read is a few megabytes; this is well beyond. */
const payload = "x".repeat(250_000);
const count = 60;
const open = { subscribe: "anyone", history: "anyone", retain: { count: 1_000, seconds: 600 } } as const;
const rules = {
  namespaces: {
    closes: open,
    newest: { ...open, slow: "latest" },
    all: { ...open, slow: "catchup" },
    default: open,
  },
} as const;

/** Stops or goes on reading what comes over the client's websocket. */
function reading(client: TestClient, on: boolean): void {
  const { transport } = client.socket.io.engine as unknown as { transport: { ws: { pause(): void; resume(): void } } };
  if (on) transport.ws.resume();
  else transport.ws.pause();
}

/** What the node has counted of slow clients, by outcome. */
async function slowClients({ peerPort }: GatewayProcess): Promise<Record<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${peerPort}/metrics`)).text();
  return Object.fromEntries(
    [...text.matchAll(/^fanfare_slow_clients_total\{.*outcome="(\w+)".*\} ([1-9]\d*)$/gm)].map(([, outcome, value]) => [
      outcome,
      Number(value),
    ]),
  );
}

function numbers(client: TestClient, channel: string): number[] {
  return client.publications(channel).map(({ data }) => (data as { n: number }).n);
}

const wanted = Array.from({ length: count }, (_, index) => index);

describe("a client that does not read", () => {
  test.override({ clusterOptions: { gateways: 1, rules } });

  test("is closed in the way that it comes back from, hears everything once, and others notice nothing", async ({ cluster }) => {
    const channel = "closes:it";
    const gateway = cluster.gateway(0);
    const slow = await cluster.client({ transports: ["websocket"], channels: [channel] });
    const other = await cluster.client({ transports: ["websocket"], channels: [channel] });
    reading(slow, false);
    for (const n of wanted) await cluster.publish(channel, { n, payload });
    await until(async () => ((await slowClients(gateway)).disconnected === 1 ? undefined : "not closed"));
    await until(() => (numbers(other, channel).length < count ? "the other has not heard all" : undefined));
    expect(other.connects).toBe(1);

    reading(slow, true);
    await until(() => (numbers(slow, channel).length < count ? `heard ${numbers(slow, channel).length}` : undefined));
    expect(numbers(slow, channel)).toEqual(wanted);
    expect(slow.noticesOf("fanfare:closing")).toMatchObject([{ code: "TOO_SLOW", reconnect: true }]);
    expect([slow.connects, slow.recoveries]).toEqual([2, 1]);
  });

  test("keeps its connection where the rule says so, and hears the newest, or all, when it reads again", async ({ cluster }) => {
    const gateway = cluster.gateway(0);
    const newest = await cluster.client({ transports: ["websocket"], channels: ["newest:it", "quiet"] });
    const all = await cluster.client({ transports: ["websocket"], channels: ["all:it", "quiet"] });
    for (const client of [newest, all]) reading(client, false);
    for (const n of wanted) for (const channel of ["newest:it", "all:it"]) await cluster.publish(channel, { n, payload });
    await cluster.publish("quiet", { n: 1 });
    await until(async () => ((await slowClients(gateway)).held === 2 ? undefined : "not held back"));

    for (const client of [newest, all]) reading(client, true);
    await until(() => (newest.heard("quiet").length + all.heard("quiet").length < 2 ? "the last is missing" : undefined));
    expect(numbers(all, "all:it")).toEqual(wanted);
    const heard = numbers(newest, "newest:it");
    expect(heard.at(-1)).toBe(count - 1);
    expect(heard.length).toBeLessThan(count - 10);
    expect(heard).toEqual([...heard].sort((a, b) => a - b));
    expect([newest.connects, all.connects]).toEqual([1, 1]);
    await until(async () => ((await slowClients(gateway)).caught_up === 2 ? undefined : "not caught up"));
  });

  test("over polling costs no more than it may either", async ({ cluster }) => {
    const gateway = cluster.gateway(0);
    const address = `${gateway.url}/socket.io/?EIO=4&transport=polling`;
    const opened = await (await fetch(address)).text();
    const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
    await fetch(`${address}&sid=${sid}`, { method: "POST", body: '40{"channels":["closes:it"]}' });
    // Until it is subscribed; it asks for nothing more.
    await until(async () =>
      (await (await fetch(`${address}&sid=${sid}`)).text()).includes("welcome") ? undefined : "no welcome",
    );
    for (const n of wanted.slice(0, 10)) await cluster.publish("closes:it", { n, payload });
    await until(async () => ((await slowClients(gateway)).disconnected === 1 ? undefined : "not closed"));
    // A poll that breaks, or finds no session, is what clients over polling come back from.
    const poll = (): Promise<number> =>
      fetch(`${address}&sid=${sid}`).then(
        ({ status }) => status,
        () => 0,
      );
    await until(async () => ((await poll()) === 400 ? undefined : "still there"));
  });
});
