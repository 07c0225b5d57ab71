import { type Cluster, type TestClient, until } from "@fanfare/test-support";
import fc from "fast-check";
import { expect } from "vitest";
import { sharing as test } from "./cluster.ts";

const requests = ["subscribe", "unsubscribe", "publish", "history", "whoami", "echo"] as const;

test("every malformed request is answered with a code", async ({ cluster }) => {
  const client = await cluster.client({ transports: ["websocket"], channels: ["public:a"] });
  const long = "x".repeat(300);
  for (const [event, request, code] of [
    ["subscribe", undefined, "REQUEST_INVALID"],
    ["subscribe", null, "REQUEST_INVALID"],
    ["subscribe", 7, "REQUEST_INVALID"],
    ["subscribe", [], "REQUEST_INVALID"],
    ["subscribe", "", "CHANNEL_INVALID"],
    ["subscribe", long, "CHANNEL_INVALID"],
    ["subscribe", "public:\u0000", "CHANNEL_INVALID"],
    ["subscribe", "public:ä", "CHANNEL_INVALID"],
    ["subscribe", "{0}public:a", "CHANNEL_INVALID"],
    ["subscribe", { channel: `public:${long}` }, "REQUEST_INVALID"],
    ["subscribe", { channel: "public:a", since: { epoch: "e", offset: -1 } }, "REQUEST_INVALID"],
    ["subscribe", { channel: "public:a", since: { epoch: "e", offset: 2 ** 53 } }, "REQUEST_INVALID"],
    ["subscribe", { channel: "public:a", since: { epoch: long, offset: 1 } }, "REQUEST_INVALID"],
    ["subscribe", { channel: "public:a", rewind: 1e9 }, "REQUEST_INVALID"],
    ["subscribe", { channel: "public:a", more: 1 }, "REQUEST_INVALID"],
    ["subscribe", JSON.parse('{"channel":"public:a","__proto__":{"rewind":1}}'), "REQUEST_INVALID"],
    ["unsubscribe", {}, "REQUEST_INVALID"],
    ["publish", { channel: "public:a" }, "REQUEST_INVALID"],
    ["publish", { channel: "public:a", data: 1, event: "disconnect" }, "EVENT_INVALID"],
    ["publish", { channel: "public:a", data: 1, event: "fanfare:reset" }, "EVENT_INVALID"],
    ["publish", { channel: "public:a", data: 1, event: "" }, "REQUEST_INVALID"],
    ["publish", { channel: "public:a", data: 1, id: long }, "REQUEST_INVALID"],
    ["publish", { channel: "public:a", data: { inside: Buffer.from("x") } }, "DATA_INVALID"],
    ["publish", { channel: "public:a", data: { base64: "%" } }, "DATA_INVALID"],
    ["publish", { channel: "public:a", data: nested(200) }, "JSON_TOO_DEEP"],
    ["publish", { channel: "public:a", data: nested(2_000) }, "JSON_TOO_DEEP"],
    ["echo", nested(2_000), "JSON_TOO_DEEP"],
    ["history", { channel: "public:a", limit: 0 }, "REQUEST_INVALID"],
    ["history", { channel: "public:a", since: { epoch: "other", offset: 1 } }, "EPOCH_CHANGED"],
    ["constructor", {}, "UNKNOWN_EVENT"],
    ["__proto__", {}, "UNKNOWN_EVENT"],
    ["fanfare:reset", {}, "UNKNOWN_EVENT"],
    ["presence!", {}, "UNKNOWN_EVENT"],
  ] as const) {
    const answer = await client.request(event, request);
    const asked = `${event} ${JSON.stringify(request)?.slice(0, 80)}`;
    expect([asked, answer.ok, answer.error?.code]).toEqual([asked, false, code]);
  }
  expect(client.connects).toBe(1);
  expect(client.history).toEqual([]);
  await stillWell(cluster, client);
});

test("whatever JSON is asked is answered, with ok or with a code", async ({ cluster }) => {
  const client = await cluster.client({ transports: ["websocket"], channels: ["public:a"] });
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.object({ key: fc.constantFrom("channel", "since", "data", "__proto__", "toString") }),
  );
  const nearMiss = fc.record(
    {
      channel: fc.oneof(fc.constant("public:a"), fc.string(), anything),
      since: fc.oneof(fc.record({ epoch: fc.string(), offset: fc.double() }), anything),
      rewind: fc.oneof(fc.integer(), anything),
      limit: fc.oneof(fc.integer(), anything),
      reverse: fc.oneof(fc.boolean(), anything),
      data: anything,
      event: fc.oneof(fc.string(), anything),
      id: fc.oneof(fc.string(), anything),
    },
    { requiredKeys: [] },
  );
  const ask = fc.tuple(fc.oneof(fc.constantFrom(...requests), fc.string()), fc.oneof(nearMiss, anything, fc.string()));
  await fc.assert(
    fc.asyncProperty(fc.array(ask, { maxLength: 20 }), async (asks) => {
      const answers = await Promise.all(
        asks.filter(([event]) => isEmittable(event)).map(([event, request]) => client.request(event, request)),
      );
      for (const answer of answers) expect(answer.ok || /^[A-Z_]+$/.test(answer.error?.code ?? "")).toBe(true);
      for (const answer of answers) expect(answer.error?.code).not.toBe("INTERNAL");
    }),
    { numRuns: 60 },
  );
  expect(client.connects).toBe(1);
  await stillWell(cluster, client);
});

test("packets that are none end at most the connection that sent them", async ({ cluster }) => {
  const bystander = await cluster.client({ channels: ["public:a"] });
  const { url } = cluster.gateway(0);
  const packet = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc
      .tuple(
        fc.constantFrom("0", "1", "40", "41", "42", "43", "44", "45", "46", "451-", "459-", "42/x,", "42999", "b"),
        fc.json(),
      )
      .map(([head, json]) => head + json),
    fc.constantFrom(
      '42["subscribe"',
      "42[]",
      "42[1]",
      '42{"a":1}',
      '451-["publish",{"_placeholder":true,"num":7}]',
      '45999999999-["x"]',
      `42${"[".repeat(50_000)}`,
      `42["echo",${deep(50_000)}]`,
      `420["echo",${deep(50_000)}]`,
      `420["subscribe",${deep(50_000)}]`,
      `420["publish",{"channel":"public:a","data":${deep(50_000)}}]`,
      "4\u0000",
      "6",
      "bAAAA",
      "b!!!",
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(packet, { minLength: 1, maxLength: 6 }), async (packets) => {
      const poll = await session(url);
      const { status } = await fetch(poll, {
        method: "POST",
        body: packets.join("\u001e"),
        signal: AbortSignal.timeout(5_000),
      });
      expect([200, 400]).toContain(status);
    }),
    { numRuns: 150 },
  );
  await stillWell(cluster, bystander);
});

test("frames that are too big or make no sense end the connection, whose client comes back", async ({ cluster }) => {
  const client = await cluster.client({ transports: ["websocket"], channels: ["public:a"] });
  const bystander = await cluster.client({ transports: ["polling"], channels: ["public:a"] });
  for (const message of ["x".repeat(2_000_000), Buffer.alloc(2_000_000), Buffer.from("fffefdfc", "hex"), '2["unfinished', "9"]) {
    const before = client.connects;
    client.socket.io.engine.write(message);
    await until(() =>
      client.connects > before && client.socket.connected ? undefined : `not back after ${String(message).slice(0, 20)}`,
    );
  }
  const poll = await session(cluster.gateway(0).url);
  expect((await fetch(poll, { method: "POST", body: "x".repeat(2_000_000) })).status).toBe(413);
  expect(bystander.connects).toBe(1);
  await stillWell(cluster, bystander);
});

test("handshakes that ask for nonsense are refused with a code or let in without it", async ({ cluster }) => {
  const refused = async (options: Parameters<Cluster["client"]>[0]): Promise<string | undefined> => {
    const client = await cluster.client({ ...options, wait: false });
    await until(() => (client.connectErrors.length > 0 ? undefined : "not refused"));
    client.close();
    return client.connectErrors[0]?.data?.code;
  };
  expect(await refused({ query: { channel: "x".repeat(300) } })).toBe("CHANNEL_INVALID");
  expect(await refused({ channels: ["{0}public:a"] })).toBe("REQUEST_INVALID");
  expect(await refused({ channels: Array.from({ length: 200 }, (_, index) => `public:${index}`) })).toBe("REQUEST_INVALID");
  expect(await refused({ query: { channel: Array.from({ length: 200 }, (_, index) => `public:${index}`).join() } })).toBe(
    "SUBSCRIPTIONS_EXCEEDED",
  );
  expect(await refused({ token: "x".repeat(9_000) })).toBe("REQUEST_INVALID");
  const client = await cluster.client({ channels: ["public:a"] });
  await stillWell(cluster, client);
});

/** A session over long-polling that is in the main namespace, as the address of its requests. */
async function session(nodeUrl: string): Promise<string> {
  const base = `${nodeUrl}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(base)).text()).slice(1)) as { sid: string };
  await fetch(`${base}&sid=${sid}`, { method: "POST", body: "40" });
  return `${base}&sid=${sid}`;
}

/** All processes run, and what is published still reaches the client. */
async function stillWell(cluster: Cluster, client: TestClient): Promise<void> {
  for (const { label, alive, log } of [...cluster.gateways, ...cluster.admins]) {
    expect([label, alive]).toEqual([label, true]);
    // A bug of ours is logged as an error.
    expect(log().filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
  }
  await cluster.publish("public:a", "still well");
  await until(() => (client.heard("public:a").at(-1) === "still well" ? undefined : "the publication did not come"));
}

/** Not the client's own: `connect` and the like cannot be emitted by it at all. */
function isEmittable(event: string): boolean {
  return !["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"].includes(event);
}

function nested(depth: number): unknown {
  return JSON.parse(deep(depth));
}

function deep(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}
