import { createHmac } from "node:crypto";
import { type TestClient, until } from "@fanfare/test-support";
import { describe, expect } from "vitest";
import { test } from "./cluster.ts";

const tokenSecret = "0123456789abcdef0123456789abcdef";

describe("no rules at all", () => {
  test.override({ clusterOptions: { rules: {} } });

  test("nothing is allowed that no rule allows", async ({ cluster }) => {
    const client = await cluster.client({ channels: ["news", "public:a", "user:ada", "__proto__:a", "constructor:a"] });
    expect(client.noticesOf("fanfare:welcome")).toMatchObject([{ id: client.socket.id, user: null, channels: [] }]);
    expect(client.noticesOf("fanfare:unsubscribed")).toEqual([
      { channel: "news", code: "FORBIDDEN" },
      { channel: "public:a", code: "FORBIDDEN" },
      { channel: "user:ada", code: "UNAUTHENTICATED" },
      { channel: "__proto__:a", code: "FORBIDDEN" },
      { channel: "constructor:a", code: "FORBIDDEN" },
    ]);
    for (const [event, request] of [
      ["subscribe", { channel: "public:a" }],
      ["subscribe", "public:a"],
      ["subscribe", { channel: "public:a", rewind: 10 }],
      ["publish", { channel: "public:a", data: 1 }],
      ["history", { channel: "public:a" }],
    ] as const) {
      expect(await client.request(event, request), event).toMatchObject({ ok: false, error: { code: "FORBIDDEN" } });
    }
    // What REST publishes is stored, and this client hears none of it.
    await cluster.publish("public:a", "secret");
    expect(await client.request("echo", 1)).toEqual({ ok: true, echo: 1 });
    expect(client.history).toEqual([]);
  });
});

describe("channels for everyone and channels by token", () => {
  test.override({
    clusterOptions: {
      env: { FANFARE_TOKEN_SECRET: tokenSecret },
      rules: {
        namespaces: {
          public: { subscribe: "anyone" },
          team: { subscribe: "token", publish: "token", history: "subscriber", retain: { count: 10, seconds: 60 } },
        },
      },
    },
  });

  test("auth.channels and ?channel= subscribe at once, on every transport, to what the rules allow", async ({ cluster }) => {
    for (const transports of [["websocket"], ["polling"], undefined] as const) {
      const client = await cluster.client({
        transports,
        channels: ["public:a", "team:a"],
        query: { channel: "public:b,team:b" },
      });
      expect(client.noticesOf("fanfare:welcome")).toMatchObject([{ channels: ["public:a", "public:b"] }]);
      expect(client.noticesOf("fanfare:unsubscribed")).toEqual([
        { channel: "team:a", code: "UNAUTHENTICATED" },
        { channel: "team:b", code: "UNAUTHENTICATED" },
      ]);
      for (const channel of ["public:a", "public:b", "team:a"]) await cluster.publish(channel, channel);
      await hears(client, "public:a", "public:b");
      expect(client.heard("team:a")).toEqual([]);
    }
  });

  test("a token joins what it lists, reaches as far as it grants, and the user's own channel is the user's", async ({
    cluster,
  }) => {
    const ada = await cluster.client({
      token: token({ sub: "ada", channels: ["team:a", "team:b"], join: ["team:a"], publish: ["team:a"] }),
    });
    expect(ada.noticesOf("fanfare:welcome")).toMatchObject([{ user: "ada", channels: ["team:a"] }]);
    const codes = async (event: string, ...channels: string[]): Promise<unknown[]> =>
      Promise.all(
        channels.map(async (channel) => {
          const answer = await ada.request(event, event === "publish" ? { channel, data: 1 } : { channel });
          return answer.ok ? "ok" : answer.error?.code;
        }),
      );
    expect(await codes("history", "team:a", "team:b")).toEqual(["ok", "NOT_SUBSCRIBED"]);
    expect(await codes("subscribe", "team:b", "team:c", "user:ada", "user:eve")).toEqual(["ok", "FORBIDDEN", "ok", "FORBIDDEN"]);
    expect(await codes("publish", "team:a", "team:b", "public:a")).toEqual(["ok", "FORBIDDEN", "FORBIDDEN"]);
    await hears(ada, "team:a");
    await ada.request("unsubscribe", "team:a");
    expect(await ada.request("whoami")).toMatchObject({ ok: true, user: "ada", channels: ["team:b", "user:ada"] });
  });

  test("a token that is expired, forged, of another key or no token at all is refused with its code", async ({ cluster }) => {
    const past = Math.floor(Date.now() / 1_000) - 60;
    const [header, , signature] = token({ sub: "ada" }).split(".");
    for (const [bad, code] of [
      [token({ sub: "ada", exp: past }), "TOKEN_EXPIRED"],
      [token({ sub: "ada" }, "f".repeat(32)), "TOKEN_INVALID"],
      [`${header}.${base64({ sub: "eve", exp: past + 3_600 })}.${signature}`, "TOKEN_INVALID"],
      [`${base64({ alg: "none" })}.${base64({ sub: "eve", exp: past + 3_600 })}.`, "TOKEN_INVALID"],
      ["garbage", "TOKEN_INVALID"],
      ["", "TOKEN_INVALID"],
    ] as const) {
      const client = await cluster.client({ token: bad, wait: false });
      await until(() => (client.connectErrors.length > 0 ? undefined : "not refused"));
      expect([bad, client.connectErrors[0]?.data?.code]).toEqual([bad, code]);
      expect(client.socket.connected).toBe(false);
    }
  });
});

async function hears(client: TestClient, ...channels: string[]): Promise<void> {
  await until(() =>
    channels.map((channel) => (client.heard(channel).length > 0 ? undefined : `nothing of ${channel}`)).find(Boolean),
  );
}

/** Signed by hand: what the server accepts must not depend on who made it. */
function token(claims: Readonly<Record<string, unknown>>, secret = tokenSecret): string {
  const body = `${base64({ alg: "HS256", typ: "JWT" })}.${base64({ exp: Math.floor(Date.now() / 1_000) + 60, ...claims })}`;
  return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`;
}

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
