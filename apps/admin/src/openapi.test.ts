import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { channelName } from "@fanfare/domain";
import type { TSchema } from "typebox";
import { Compile } from "typebox/schema";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, type CallOptions, call, type Method } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

interface Media {
  readonly content?: Readonly<
    Record<
      string,
      {
        readonly schema: TSchema;
        readonly example?: unknown;
        readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
      }
    >
  >;
}

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly schema: TSchema;
}

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Required<Media>;
  readonly responses: Readonly<Record<string, Media>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const clusterSecret = "shared by all";
/** A node's peer port, as far as the admin API needs one. */
const peer = createServer((request, response) => {
  const known = request.headers["x-fanfare-secret"] === clusterSecret && request.method === "POST";
  const done = request.url === "/commands" ? { applied: 1, refused: [] } : {};
  request.resume();
  response.writeHead(known ? 202 : 401).end(JSON.stringify(done));
});
const admin: TestAdmin = await testAdmin({ clusterSecret, tokenSecret: "a secret of at least thirty-two bytes" });
const document: Document = (await call(admin, "GET", "/openapi.json", { key: null })).body;
const waiting = (await call(admin, "POST", "/v1/publish", { body: { channel: "open", data: 9, at: Date.now() + 86_400_000 } }))
  .body;

const counted = (await call(admin, "POST", "/v1/publish?receipt=true", { body: { channel: "open", data: 9 } })).body;

/** One right request for every operation; an operation without one fails below. */
const right: Readonly<
  Record<
    string,
    {
      readonly path?: string;
      readonly query?: string;
      readonly body?: object;
      /** More bodies that are right, where some members exclude others. */
      readonly others?: readonly object[];
      readonly status?: number;
    }
  >
> = {
  publish: {
    body: { channel: "open", data: { n: 1 }, event: "e", id: "right", except: ["abc"], durable: false, ttl: 60 },
    others: [{ channel: "open", data: 1, event: "e", ttl: 60, at: Date.now() + 60_000 }],
  },
  getReceipt: { path: `/v1/publications/open/${counted.offset}`, query: `?epoch=${counted.epoch}` },
  listScheduled: { query: "?limit=1" },
  callOff: { path: `/v1/scheduled/${waiting.scheduledId}` },
  publishBatch: {
    body: { items: [{ channel: "open", data: 1 }, { channels: ["open", "b"], data: 2 }, 7], atomic: false },
    others: [{ items: [{ channel: "open", data: 1 }], atomic: true }],
  },
  publishStream: { body: { channel: "open", data: 1 } },
  getChannel: { path: "/v1/channels/open" },
  getHistory: { path: "/v1/channels/open/history", query: "?limit=2&reverse=true" },
  getPresence: { path: "/v1/channels/crowd:a/presence", query: "?limit=5" },
  deleteHistory: { path: "/v1/channels/open/history" },
  listChannels: { query: "?prefix=o&limit=1" },
  listChannelConnections: { path: "/v1/channels/open/connections" },
  listConnections: { query: "?channel=open&node=a&sort=unsent&limit=1000" },
  getConnection: { path: "/v1/connections/abc" },
  listUsers: { query: "?limit=1" },
  listUserConnections: { path: "/v1/users/ada/connections" },
  getStats: {},
  getStatsHistory: {},
  getOwnKey: {},
  getRules: { path: "/v1/rules/open" },
  explainRules: { body: { channel: "open", token: "no token" } },
  signToken: { body: { user: "ada", channels: ["open", "crowd:*"], publish: ["open"], ttlSeconds: 60 } },
  listNodes: {},
  listKeys: {},
  revoke: { body: { user: "ada", tokenId: "t", issuedBefore: 1, reason: "lost" } },
  listRevocations: { query: "?limit=1" },
  unrevoke: { path: "/v1/revocations/abc" },
  disconnectConnection: { path: "/v1/connections/abc", query: "?reconnect=true&code=BYE&reason=so" },
  subscribeConnection: { path: "/v1/connections/abc/subscribe", body: { channel: "open" } },
  unsubscribeConnection: { path: "/v1/connections/abc/unsubscribe", body: { channel: "open" } },
  emitConnection: { path: "/v1/connections/abc/emit", body: { event: "e", data: 1 } },
  disconnectUser: { path: "/v1/users/ada/connections" },
  subscribeUser: { path: "/v1/users/ada/subscribe", body: { channel: "open" } },
  unsubscribeUser: { path: "/v1/users/ada/unsubscribe", body: { channel: "open" } },
  emitUser: { path: "/v1/users/ada/emit", body: { event: "e", data: 1 } },
  listenToEvents: { query: "?follow=false&after=0-0&types=connected,rates&channel=a*&user=ada" },
  listDeadLetters: { query: "?limit=1" },
  replayDeadLetters: { body: { ids: ["1-0"] }, status: 202 },
  drainNode: { path: "/v1/nodes/a/drain", status: 202 },
  health: {},
  ready: {},
  metrics: {},
};

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase() as Method, operation })),
);

beforeAll(async () => {
  await call(admin, "POST", "/v1/publish", { body: { channel: "open", data: 9 } });
  await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
  const record = {
    peerUrl: `http://127.0.0.1:${(peer.address() as AddressInfo).port}`,
    sidPrefix: "0123abcd",
    startedAt: 1,
    connections: 3,
    state: "ready",
    version: "1",
  } as const;
  await admin.backend.directory.renew({ ...record, node: "a" }, 60_000);
  const { registry, revocations } = admin.backend;
  await revocations.add({ id: "abc", user: "ada", at: 1, endsAt: 9e12 });
  const about = { transport: "websocket", address: "::1", client: "test", since: 1, unsentBytes: 5 } as const;
  const connection = { ...about, id: "abc", user: "ada", channels: [channelName("open")] };
  const batch = { node: "a", after: undefined, stamp: "1", complete: true, gone: [] };
  await registry.write({ ...batch, changed: [{ connection, turn: 1 }] }, 60_000);
  const figures = { websocket: 1, polling: 0, publicationsPerSecond: 0.5, deliveriesPerSecond: 0 };
  await registry.report("a", figures, 60_000);
});
afterAll(async () => {
  await admin.close();
  peer.close();
});

/** The answer's status is one that the document lists, and its body is as it says there. */
function expectDocumented(operation: Operation, answer: Answer): void {
  const response = operation.responses[answer.status];
  expect(response, `${operation.operationId} answers ${answer.status}, which is not in its list: ${answer.text}`).toBeDefined();
  const type = String(answer.headers["content-type"]).split(";")[0] ?? "";
  const schema = response?.content?.[type]?.schema;
  expect(schema, `${operation.operationId} ${answer.status} has no ${type}`).toBeDefined();
  const check = Compile(schema as TSchema);
  const values =
    type === "application/x-ndjson"
      ? answer.text
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line))
      : [type.startsWith("text/") ? answer.text : answer.body];
  for (const value of values) expect(check.Errors(value), JSON.stringify(value)).toEqual([true, []]);
}

function mediaType({ requestBody }: Operation): string | undefined {
  return Object.keys(requestBody?.content ?? {})[0];
}

test("it is OpenAPI 3.1, with a name, a summary and a tag for everything and a key for all but health", () => {
  expect(document.openapi).toBe("3.1.0");
  const names = operations.map(({ operation }) => operation.operationId);
  expect(new Set(names).size).toBe(names.length);
  expect(names.sort()).toEqual(Object.keys(right).sort());
  for (const { path, operation } of operations) {
    expect(operation.summary).toBeTruthy();
    expect(operation.tags).toHaveLength(1);
    expect(operation.security?.length).toBe(path.startsWith("/v1/") ? undefined : 0);
  }
});

test("every example of an answer is what its schema says", () => {
  const examples = operations.flatMap(({ operation }) =>
    Object.values(operation.responses).flatMap(({ content = {} }) =>
      Object.values(content).flatMap(({ schema }) =>
        ((schema as { examples?: readonly unknown[] }).examples ?? []).map((example) => ({ schema, example })),
      ),
    ),
  );
  expect(examples.length).toBeGreaterThan(5);
  for (const { schema, example } of examples) expect(Compile(schema).Errors(example)).toEqual([true, []]);
});

test("every request body has examples, and each is what its schema says", () => {
  for (const { operation } of operations) {
    for (const { schema, examples: named = {}, example } of Object.values(operation.requestBody?.content ?? {})) {
      const examples = example === undefined ? Object.values(named).map(({ value }) => value) : [example];
      expect(examples.length, operation.operationId).toBeGreaterThan(0);
      for (const example of examples) expect(Compile(schema).Errors(example), operation.operationId).toEqual([true, []]);
    }
  }
});

describe.each(operations)("$method $path", ({ path, method, operation }) => {
  const { path: url = path, query = "", body, others = [], status = 200 } = right[operation.operationId] ?? {};
  const type = mediaType(operation);
  const ask = (options: CallOptions & { query?: string }) =>
    call(admin, method, url + (options.query ?? query), { ...(type === undefined ? {} : { type }), ...options });
  const isStream = type === "application/x-ndjson";

  test(`a right request is answered with ${status} and what the document says`, async () => {
    const answer = await ask({ body });
    expect(answer.status, answer.text).toBe(status);
    expectDocumented(operation, answer);
  });

  if (path.startsWith("/v1/"))
    test("without a key it is a documented 401, with an unknown parameter a documented 400", async () => {
      const locked = await ask({ body, key: null });
      expect(locked.status).toBe(401);
      expectDocumented(operation, locked);
      const unknown = await ask({ body, query: "?unknown=1" });
      expect(unknown.status).toBe(400);
      expectDocumented(operation, unknown);
    });

  if (body !== undefined)
    test("each missing, wrong or unknown member is refused as the document says", async () => {
      const schema = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
      const accepts = Compile(schema as TSchema);
      let refused = 0;
      for (const wrong of [body, ...others].flatMap((one) => [one, ...mutants(one as Readonly<Record<string, unknown>>)])) {
        const answer = await ask({ body: wrong });
        expectDocumented(operation, answer);
        const status = isStream ? (JSON.parse(answer.text).status ?? 200) : answer.status;
        // What the served schema accepts is accepted, what it refuses is refused: nobody need guess.
        expect(status !== 400, `${JSON.stringify(wrong)} ${answer.text}`).toBe(accepts.Check(wrong));
        if (status === 400) refused++;
      }
      expect(refused).toBeGreaterThan(3);
    });

  if (body !== undefined)
    test("no body and a body of another type are documented refusals", async () => {
      const other = await ask({ body: "x", type: "text/plain" });
      expect(other.status).toBe(415);
      expectDocumented(operation, other);
      if (isStream) return;
      const none = await ask({ body: "" });
      expect(none.status).toBe(400);
      expectDocumented(operation, none);
    });

  const parameters = (operation.parameters ?? []).filter((parameter) => parameter.in === "query");
  if (parameters.length > 0)
    test("each parameter of a wrong type is a documented 400", async () => {
      for (const { name, schema } of parameters) {
        // Anything is a user's name.
        if (Compile(schema).Check("{") && name !== "cursor") continue;
        const answer = await ask({ query: `?${name}=%7B` });
        expect(answer.status).toBe(400);
        expectDocumented(operation, answer);
      }
    });

  if (path.includes("{channel}"))
    test("a channel that cannot be is a documented 400", async () => {
      const answer = await call(admin, method, path.replace("{channel}", "%20"));
      expect(answer.status).toBe(400);
      expectDocumented(operation, answer);
    });
});

/** The body with each member left out, each of each wrong type, and with one too many. */
function* mutants(body: Readonly<Record<string, unknown>>): Generator<object> {
  yield [];
  yield { ...body, unknown: 1 };
  for (const name of Object.keys(body)) {
    const { [name]: _left, ...rest } = body;
    yield rest;
    for (const wrong of [7, -1, 1.5, "", "a b", true, null, [], [7], {}, "x".repeat(300)]) yield { ...rest, [name]: wrong };
  }
}
