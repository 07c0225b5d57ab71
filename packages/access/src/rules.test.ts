import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { channelName, FanfareError } from "@fanfare/domain";
import { expect, test } from "vitest";
import { parseRules } from "./rules.ts";
import { loadRulesFile } from "./rules-file.ts";

const rulesOf = (file: unknown, channel: string) => parseRules(file).of(channelName(channel));

/** The mistakes as `path: message` lines. */
function mistakes(file: unknown): string[] {
  try {
    parseRules(file);
    return [];
  } catch (error) {
    if (!(error instanceof FanfareError) || error.code !== "RULES_INVALID") throw error;
    return (error.errors ?? []).map(({ path, message }) => `${path}: ${message}`);
  }
}

const closed = {
  subscribe: "nobody",
  publish: "nobody",
  presence: "nobody",
  history: "nobody",
  retain: { count: 1_000, seconds: 600 },
  payloadBytesMax: 1_048_576,
  events: undefined,
  joinLeave: false,
  trace: false,
  slow: "disconnect",
};

test.each([{}, { namespaces: {} }, { channels: {} }, { namespaces: { default: {} } }])("%j allows nobody anything", (file) => {
  for (const channel of ["a", "news:1", ":", "::", "default", "default:x", "user"]) {
    expect(rulesOf(file, channel)).toEqual(closed);
  }
});

test("a channel has the rules of its namespace: what stands before the first colon", () => {
  const file = { namespaces: { default: { subscribe: "user" }, news: { subscribe: "anyone" } } };
  expect(rulesOf(file, "news:sport").subscribe).toBe("anyone");
  expect(rulesOf(file, "news:a:b").subscribe).toBe("anyone");
  expect(rulesOf(file, "news:").subscribe).toBe("anyone");
});

test("without a colon, or in a namespace that the file does not name, default holds", () => {
  const file = { namespaces: { default: { subscribe: "user" }, news: { subscribe: "anyone" } } };
  for (const channel of ["news", "newsroom:1", "News:1", "other:news:1", ":news", "default:1"]) {
    expect(rulesOf(file, channel).subscribe).toBe("user");
  }
});

test("what a namespace leaves out is closed, not taken from default", () => {
  const file = { namespaces: { default: { subscribe: "anyone", retain: { count: 5 } }, news: { history: "anyone" } } };
  expect(rulesOf(file, "news:1")).toEqual({ ...closed, history: "anyone" });
  expect(rulesOf(file, "x").retain).toEqual({ count: 5, seconds: 600 });
});

test("a single channel by its whole name goes before its namespace", () => {
  const file = {
    namespaces: { news: { subscribe: "anyone", publish: "user", retain: { count: 9 } } },
    channels: { "news:secret": { subscribe: "token" }, zmq: { subscribe: "anyone" } },
  };
  expect(rulesOf(file, "news:secret")).toEqual({ ...closed, subscribe: "token" });
  expect(rulesOf(file, "news:secrets").subscribe).toBe("anyone");
  expect(rulesOf(file, "zmq").subscribe).toBe("anyone");
  expect(rulesOf(file, "zmq:1").subscribe).toBe("nobody");
});

test("a user's own channel is the owner's where no rule says otherwise, and never falls to default", () => {
  const own = { ...closed, subscribe: "owner", history: "owner" };
  expect(rulesOf({}, "user:ada")).toEqual(own);
  expect(rulesOf({ namespaces: { default: { subscribe: "anyone", history: "anyone" } } }, "user:ada")).toEqual(own);
  expect(rulesOf({ namespaces: { user: { presence: "token" } } }, "user:ada")).toEqual({ ...own, presence: "token" });
  expect(rulesOf({ namespaces: { user: { subscribe: "nobody" } } }, "user:ada").subscribe).toBe("nobody");
  expect(rulesOf({ channels: { "user:ada": { retain: { count: 0 } } } }, "user:ada")).toMatchObject({ subscribe: "owner" });
});

test.each(["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf", "prototype"])(
  "a channel in the namespace %s finds no rule that nobody wrote",
  (name) => {
    expect(rulesOf({}, `${name}:x`)).toEqual(closed);
    expect(rulesOf({}, name)).toEqual(closed);
    const written = JSON.parse(`{"namespaces":{"${name}":{"subscribe":"anyone"}}}`) as unknown;
    expect(rulesOf(written, `${name}:x`).subscribe).toBe("anyone");
    expect(rulesOf(written, "other:x")).toEqual(closed);
    expect(({} as Record<string, unknown>).subscribe).toBeUndefined();
  },
);

test("every mistake is told at once, with where it is", () => {
  const file = {
    namespace: {},
    namespaces: {
      "news:": { subscribe: "anyone" },
      "a b": 1,
      public: { subscribe: "subscriber", publsh: "user", retain: { count: -1 }, joinLeave: "yes", trace: 1, slow: "fast" },
      chat: { publish: "everyone", retain: { count: 0 }, history: null },
      live: { retain: { count: 0 }, slow: "catchup" },
      ring: [],
    },
    channels: { "a/b": { subscribe: 1 }, naïve: {} },
  };
  expect(mistakes(file)).toEqual([
    "/namespace: is not known here; a rules file has namespaces and channels",
    "/namespaces/news:: is not a namespace: what stands before the first colon, without the colon and *",
    "/namespaces/a b: is not a namespace: what stands before the first colon, without the colon and *",
    '/namespaces/a b: must be an object such as { "subscribe": "anyone" }',
    "/namespaces/public/subscribe: must be one of anyone, user, token, nobody",
    "/namespaces/public/publsh: is no rule; there are subscribe, publish, presence, history, retain, payloadBytesMax, events, joinLeave, trace, slow",
    "/namespaces/public/retain: must be { count: 0 to 1000000, seconds: 1 to 31536000 }, both whole numbers",
    "/namespaces/public/joinLeave: must be true or false",
    "/namespaces/public/trace: must be true or false",
    "/namespaces/public/slow: must be one of disconnect, latest, catchup",
    "/namespaces/chat/publish: must be one of anyone, user, token, nobody, subscriber",
    "/namespaces/chat/history: must be one of anyone, user, token, nobody, subscriber",
    "/namespaces/live/slow: catchup needs a log, but retain.count is 0",
    '/namespaces/ring: must be an object such as { "subscribe": "anyone" }',
    "/channels/a~1b/subscribe: must be one of anyone, user, token, nobody",
    "/channels/naïve: is not a channel's whole name",
  ]);
});

test.each([
  [null],
  [[]],
  ["x"],
  [1],
  [undefined],
  [{ namespaces: [] }],
  [{ namespaces: null }],
  [{ channels: "x" }],
  [{ namespaces: { a: { retain: { count: 1.5 } } } }],
  [{ namespaces: { a: { retain: { count: 1e9 } } } }],
  [{ namespaces: { a: { retain: { seconds: 0 } } } }],
  [{ namespaces: { a: { retain: { keep: 1 } } } }],
  [{ namespaces: { a: { subscribe: "ANYONE" } } }],
  [{ namespaces: { a: { subscribe: ["anyone"] } } }],
  [{ namespaces: { a: { subscribe: "owner" } } }],
  [{ namespaces: { a: JSON.parse('{"__proto__":{"subscribe":"anyone"}}') } }],
  [{ namespaces: { "": {} } }],
  [{ channels: { "a:*": {} } }],
  [JSON.parse('{"__proto__":{}}')],
])("%j is refused", (file) => {
  expect(mistakes(file)).toHaveLength(1);
});

test("a rules file is read from disk; a missing one and one that is not JSON are told by their path", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fanfare-rules-"));
  try {
    const good = join(folder, "rules.json");
    const bad = join(folder, "bad.json");
    const missing = join(folder, "missing.json");
    await writeFile(good, JSON.stringify({ namespaces: { demo: { subscribe: "anyone" } } }));
    await writeFile(bad, "{ namespaces: }");
    expect((await loadRulesFile(good)).of(channelName("demo:1")).subscribe).toBe("anyone");
    await expect(loadRulesFile(bad)).rejects.toMatchObject({
      code: "RULES_INVALID",
      errors: [{ path: bad, message: "is not JSON" }],
    });
    await expect(loadRulesFile(missing)).rejects.toMatchObject({
      code: "RULES_INVALID",
      errors: [{ path: missing, message: "cannot be read" }],
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
