import { until } from "@fanfare/test-support";
import type { TSchema } from "typebox";
import { Compile } from "typebox/schema";
import { expect } from "vitest";
import { test } from "./cluster.ts";

interface Document {
  readonly components: { readonly messages: Readonly<Record<string, { readonly payload: TSchema }>> };
}

const channel = "public:described";

test("what is said over a connection is what the AsyncAPI document says", async ({ cluster }) => {
  const { rest } = cluster.admin(0);
  const { messages } = ((await rest.call("GET", "/asyncapi.json")).body as Document).components;
  const fits = (name: string, ...args: unknown[]): void => {
    const payload = messages[name]?.payload;
    if (payload === undefined) expect.fail(`${name} is not in the document`);
    expect(Compile(payload).Errors(args), `${name} ${JSON.stringify(args)}`).toEqual([true, []]);
  };
  const client = await cluster.client({ channels: ["public:first"] });
  const heard = new Map<string, unknown[]>();
  client.socket.onAny((event: string, ...args: unknown[]) => heard.set(event, args));

  const asked: readonly (readonly [string, ...unknown[]])[] = [
    ["subscribe", { channel, rewind: 1 }],
    ["publish", { channel, data: { n: 1 }, event: "described", id: "x", durable: true, ttl: 60 }],
    ["history", { channel, limit: 1 }],
    ["presence", channel],
    ["whoami", {}],
    ["refresh", { token: "none" }],
    ["echo", { any: ["thing"] }],
    ["unsubscribe", { channel }],
  ];
  expect(asked.map(([name]) => name).sort()).toEqual(
    Object.keys(messages)
      .filter((name) => name.endsWith(".answer"))
      .map((name) => name.replace(".answer", ""))
      .sort(),
  );
  for (const [name, ...request] of asked) {
    fits(name, ...request);
    const answer = await client.request(name, request[0]);
    // There are no tokens here, and nobody is counted.
    expect(answer.ok, JSON.stringify(answer)).toBe(!["refresh", "presence"].includes(name));
    fits(`${name}.answer`, answer);
  }
  expect(() => fits("subscribe.answer", { ok: true })).toThrow("subscribe.answer");
  await until(() => (heard.has("described") ? undefined : "the publication was not heard"));
  fits("publication", ...(heard.get("described") ?? []));
  expect(() => fits("publication", 1, {}, null)).toThrow("publication");

  // The session goes on, over another connection.
  client.socket.io.engine.close();
  await until(() => (heard.has("fanfare:welcome") ? undefined : `heard ${[...heard.keys()]}`), 15_000);
  for (const [name, args] of heard) if (name.startsWith("fanfare:")) fits(name.replace(":", "."), ...args);
});
