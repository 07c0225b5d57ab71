import { type TestClient, until } from "@fanfare/test-support";
import { expect } from "vitest";
import { sharing as test } from "./cluster.ts";

const open = { subscribe: "anyone", publish: "anyone", history: "anyone" } as const;

test.override({
  clusterOptions: { gateways: 2, rules: { namespaces: { traced: { ...open, trace: true }, plain: open } } },
});

const traceOf = (digit: string): string => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;

interface Seen {
  readonly data: unknown;
  readonly context: Readonly<Record<string, unknown>>;
}

/** What a stock client's own handler is given. */
function watch(client: TestClient): Seen[] {
  const seen: Seen[] = [];
  client.socket.on("message", (data: unknown, context: Seen["context"]) => void seen.push({ data, context }));
  return seen;
}

const arrived = (seen: readonly Seen[], count: number) =>
  until(() => (seen.length >= count ? undefined : `heard ${JSON.stringify(seen)}`), 15_000);

test("subscribers see the publisher's trace live, replayed, after a recovery and in both histories", async ({ cluster }) => {
  const channel = "traced:orders";
  const { rest } = cluster.admin(0);
  const [byHeader, byField, byClient, whileAway, later] = ["1", "2", "3", "4", "5"].map(traceOf);
  const live = await cluster.client({ via: cluster.gateway(0), channels: [channel], transports: ["websocket"] });
  const seen = watch(live);
  const headers = { traceparent: byHeader ?? "" };
  await rest.call("POST", "/v1/publish", { channel, data: 1 }, headers);
  await rest.call("POST", "/v1/publish", { channel, data: 2, traceparent: byField });
  const publisher = await cluster.client({ via: cluster.gateway(1) });
  expect(await publisher.request("publish", { channel, data: 3, traceparent: byClient })).toMatchObject({ ok: true });
  await rest.call("POST", "/v1/publish", { channel, data: 4 });
  await arrived(seen, 4);
  expect(seen.map(({ context }) => context.traceparent)).toEqual([byHeader, byField, byClient, undefined]);

  live.socket.io.engine.close();
  await until(() => (live.socket.connected ? "still connected" : undefined));
  await rest.call("POST", "/v1/publish", { channel, data: 5, traceparent: whileAway });
  await arrived(seen, 5);
  expect(live.recoveries).toBe(1);
  expect(seen[4]).toMatchObject({ data: 5, context: { traceparent: whileAway } });

  await rest.call("POST", "/v1/publish", { channel, data: 6, traceparent: later, at: Date.now() });
  await arrived(seen, 6);
  expect(seen[5]).toMatchObject({ data: 6, context: { traceparent: later } });

  const late = await cluster.client({ via: cluster.gateway(1) });
  const replayed = watch(late);
  await late.subscribe(channel, { rewind: 10 });
  // To the member: a replay is not told from what was heard live.
  expect(replayed).toEqual(seen);

  const traces = [byHeader, byField, byClient, undefined, whileAway, later];
  const listed = (list: unknown) => (list as { traceparent?: string }[]).map(({ traceparent }) => traceparent);
  expect(listed((await late.request("history", { channel })).publications)).toEqual(traces);
  const { body } = await rest.call("GET", `/v1/channels/${channel}/history`);
  expect(listed((body as { publications: unknown }).publications)).toEqual(traces);
});

test("where the rules do not ask for it a context is what it always was, whatever publishers send", async ({ cluster }) => {
  const channel = "plain:orders";
  const client = await cluster.client({ via: cluster.gateway(0), channels: [channel] });
  const seen = watch(client);
  const traceparent = traceOf("1");
  await cluster.admin(0).rest.call("POST", "/v1/publish", { channel, data: 1, traceparent }, { traceparent });
  expect(await client.request("publish", { channel, data: 2, traceparent })).toMatchObject({ ok: true });
  await arrived(seen, 2);
  for (const { context } of seen) expect(Object.keys(context)).toEqual(["channel", "offset", "epoch", "at"]);
  const refused = await client.request("publish", { channel, data: 3, traceparent: "nonsense" });
  expect(refused).toMatchObject({ ok: false, error: { code: "REQUEST_INVALID" } });
});
