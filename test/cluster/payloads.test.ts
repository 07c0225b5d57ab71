import { until } from "@fanfare/test-support";
import { expect } from "vitest";
import { test } from "./cluster.ts";

const channel = "public:payloads";

/** Texts of JSON that something on the way might improve. */
const texts = [
  "[]",
  "{}",
  "null",
  '""',
  "0",
  "-0",
  "false",
  "9007199254740993",
  "18446744073709551615",
  "-9223372036854775808",
  "1e400",
  "0.1000000000000000055511151231257827",
  '{"b":1,"a":2,"1":3}',
  '{"id":12345678901234567890,"list":[9007199254740993]}',
  '"\u2028\u2029"',
  '"\\u2028"',
  '"👋🏽 ÿ \\ud83d\\ude00"',
  '"\\ud800 alone"',
  '"\\u0000\\u001f"',
  '{"__proto__":{"polluted":true},"constructor":1}',
  '{"_placeholder":true,"num":0}',
  '[{"_placeholder":true,"num":0}]',
  `${"[".repeat(100)}${"]".repeat(100)}`,
  `"${"x".repeat(70_000)}"`,
] as const;

test("what is published through REST leaves every node as the very bytes that came", async ({ cluster }) => {
  const pollers = await Promise.all([0, 1].map((node) => Poller.connect(cluster.gateway(node).url)));
  const { rest } = cluster.admin(0);
  for (const text of texts) {
    const answer = await rest.call("POST", "/v1/publish", `{"channel":"${channel}","data":${text}}`);
    expect([text.slice(0, 60), answer.status]).toEqual([text.slice(0, 60), 200]);
  }
  for (const poller of pollers) {
    const packets = await poller.publications(texts.length);
    const data = packets.map((packet) => /^42\["message",(.*),\{"channel":"public:payloads","offset":[0-9]+,/s.exec(packet)?.[1]);
    expect(data).toEqual([...texts]);
  }
});

test("stock clients on every transport receive what JSON means, and binaries as binaries", async ({ cluster }) => {
  const [websocket, polling] = await Promise.all([
    cluster.client({ via: cluster.gateway(0), transports: ["websocket"], channels: [channel] }),
    cluster.client({ via: cluster.gateway(1), transports: ["polling"], channels: [channel] }),
  ]);
  // A packet whose data looks like the parser's own placeholder cannot reach a stock client as it is.
  const readable = texts.filter((text) => !text.includes("_placeholder"));
  const { rest } = cluster.admin(0);
  for (const text of readable) await rest.call("POST", "/v1/publish", `{"channel":"${channel}","data":${text}}`);
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  await cluster.publish(channel, { base64: bytes.toString("base64") }, { base64: "" });
  const published = await websocket.request("publish", { channel, data: bytes });
  expect(published.ok).toBe(true);

  for (const client of [websocket, polling]) {
    await until(() =>
      client.heard(channel).length >= readable.length + 3 ? undefined : `heard ${client.heard(channel).length}`,
    );
    const heard = client.heard(channel);
    expect(heard.slice(0, readable.length)).toEqual(readable.map((text) => JSON.parse(text)));
    const binaries = heard.slice(readable.length);
    for (const binary of binaries) expect(binary).toBeInstanceOf(Buffer);
    expect(binaries).toEqual([bytes, Buffer.alloc(0), bytes]);
    for (const { arity } of client.publications(channel)) expect(arity).toBe(3);
  }
  const again = await websocket.request("history", { channel, limit: 3, reverse: true });
  expect((again.publications as { data: unknown }[]).map(({ data }) => data)).toEqual([bytes, Buffer.alloc(0), bytes]);
});

test("a channel without a log has null where others have a bookmark, so handlers always get three arguments", async ({
  cluster,
}) => {
  const client = await cluster.client({ channels: ["plain:a", channel] });
  await cluster.publish("plain:a", "no log");
  await cluster.publish(channel, "logged");
  await until(() => (client.history.length === 2 ? undefined : `heard ${client.history.length}`));
  expect(client.publications("plain:a")).toMatchObject([{ data: "no log", bookmark: null, arity: 3, offset: 1 }]);
  expect(client.publications(channel)).toMatchObject([{ data: "logged", bookmark: expect.stringMatching(/^1\.\d+$/), arity: 3 }]);
});

/** Engine.IO over long-polling by hand, because clients parse what we want to see as it is (Engine.IO protocol v4). */
class Poller {
  readonly #url: string;
  readonly #packets: string[] = [];

  private constructor(url: string) {
    this.#url = url;
  }

  static async connect(nodeUrl: string): Promise<Poller> {
    const base = `${nodeUrl}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(base)).text()).slice(1)) as { sid: string };
    const poller = new Poller(`${base}&sid=${sid}`);
    await fetch(poller.#url, { method: "POST", body: `40${JSON.stringify({ channels: [channel] })}` });
    while (!poller.#packets.some((packet) => packet.startsWith('42["fanfare:welcome"'))) await poller.#poll();
    return poller;
  }

  async publications(count: number): Promise<string[]> {
    const heard = (): string[] => this.#packets.filter((packet) => packet.startsWith('42["message"'));
    while (heard().length < count) await this.#poll();
    return heard();
  }

  async #poll(): Promise<void> {
    const packets = (await (await fetch(this.#url)).text()).split("\u001e");
    if (packets.includes("2")) await fetch(this.#url, { method: "POST", body: "3" });
    this.#packets.push(...packets);
  }
}
