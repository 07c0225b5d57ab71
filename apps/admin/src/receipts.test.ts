import {
  channelName,
  type DeliveryCounts,
  FanfareError,
  type NodeDeliveries,
  type NodeRecord,
  type Published,
  type Receipt,
  seqMax,
} from "@fanfare/domain";
import { ManualClock } from "@fanfare/test-support";
import { afterEach, describe, expect, test } from "vitest";
import { receiptAnswer } from "./receipt-answer.ts";
import { call } from "./testing/call.ts";
import { type TestAdmin, type TestAdminOptions, testAdmin } from "./testing/test-admin.ts";

const news = channelName("news");
let admin: TestAdmin | undefined;
afterEach(() => admin?.close());
const open = async (options: TestAdminOptions = {}): Promise<TestAdmin> => {
  admin = await testAdmin(options);
  return admin;
};
const publish = (admin: TestAdmin, body: unknown, path = "/v1/publish") =>
  call(admin, "POST", `${path}?receipt=true`, { body: body as object });

describe("asking for a receipt", () => {
  test("is answered with where it is, and there it is", async () => {
    const admin = await open();
    const { body } = await publish(admin, { channel: "a/b#1", data: 1 });
    expect(body).toMatchObject({ receipt: `/v1/publications/a%2Fb%231/1?epoch=${body.epoch}` });
    const answer = await call(admin, "GET", body.receipt);
    expect([answer.status, answer.body]).toMatchObject([200, { channel: "a/b#1", epoch: body.epoch, offset: 1, sessions: 0 }]);
  });

  test("marks what is stored, and nothing that was not asked for", async () => {
    const admin = await open();
    await publish(admin, { channel: "news", data: 1 });
    const plain = await call(admin, "POST", "/v1/publish", { body: { channel: "news", data: 2 } });
    expect(plain.body).not.toHaveProperty("receipt");
    const range = { from: "after", offset: 0, limit: 9 } as const;
    const { publications } = await admin.backend.broker.read(news, range, { count: 9, seconds: 60 });
    expect(publications.map(({ receipt }) => receipt)).toEqual([true, undefined]);
  });

  test("works for several channels, batches, atomic ones and streams, for each publication by itself", async () => {
    const admin = await open();
    const item = (data: number) => ({ channel: "news", data });
    const many = await publish(admin, { channels: ["news", "fleeting:x"], data: 1 });
    expect(many.body.results).toMatchObject([{ receipt: expect.any(String) }, { code: "RECEIPT_UNSUPPORTED" }]);
    for (const atomic of [false, true]) {
      const batch = await publish(admin, { items: [item(1), item(2)], atomic }, "/v1/publish/batch");
      expect(batch.body.results).toMatchObject([{ receipt: expect.any(String) }, { receipt: expect.any(String) }]);
    }
    const refused = await publish(
      admin,
      { items: [item(1), { channel: "fleeting:x", data: 1 }], atomic: true },
      "/v1/publish/batch",
    );
    expect([refused.status, refused.body.code]).toEqual([422, "RECEIPT_UNSUPPORTED"]);
    const line = await call(admin, "POST", "/v1/publish/stream?receipt=true", { body: item(3), type: "application/x-ndjson" });
    expect(JSON.parse(line.text)).toMatchObject({ offset: 6, receipt: expect.any(String) });
  });

  test("is refused for what is published later, and in a channel that keeps no log, and stores nothing", async () => {
    const admin = await open();
    for (const body of [
      { channel: "news", data: 1, at: Date.now() + 60_000 },
      { channel: "fleeting:x", data: 1 },
    ]) {
      const answer = await publish(admin, body);
      expect([answer.status, answer.body.code]).toEqual([422, "RECEIPT_UNSUPPORTED"]);
    }
    expect((await call(admin, "GET", "/v1/scheduled")).body.items).toEqual([]);
  });

  test("beyond so many a second is answered with false, published all the same, and granted again later", async () => {
    const clock = new ManualClock();
    const admin = await open({ receiptsPerSecond: 2, clock });
    const ask = async () => (await publish(admin, { channel: "news", data: 1 })).body.receipt;
    expect([await ask(), await ask(), await ask()]).toEqual([expect.any(String), expect.any(String), false]);
    clock.advance(500);
    expect([await ask(), await ask()]).toEqual([expect.any(String), false]);
    expect((await call(admin, "GET", "/v1/channels/news")).body.offset).toBe(5);
    const metrics = await admin.metrics.text();
    expect(metrics).toMatch(/fanfare_receipts_total\{[^}]*outcome="granted"[^}]*\} 3/);
    expect(metrics).toMatch(/fanfare_receipts_total\{[^}]*outcome="beyond"[^}]*\} 2/);
  });

  test("where there are none is answered with false", async () => {
    const admin = await open({ receiptsPerSecond: 0 });
    expect((await publish(admin, { channel: "news", data: 1 })).body).toMatchObject({ offset: 1, receipt: false });
  });

  test("again, under an id that was stored, is answered with the receipt of the first, if that had one", async () => {
    const admin = await open();
    const [first, again] = [
      await publish(admin, { channel: "news", data: 1, id: "one" }),
      await publish(admin, { channel: "news", data: 1, id: "one" }),
    ];
    expect(again.body).toEqual({ ...first.body, duplicate: true });
    await call(admin, "POST", "/v1/publish", { body: { channel: "news", data: 2, id: "two" } });
    expect((await publish(admin, { channel: "news", data: 2, id: "two" })).body).toMatchObject({
      duplicate: true,
      receipt: false,
    });
  });

  test("that cannot be begun does not fail a publication that is stored", async () => {
    const admin = await open();
    const { receipts } = admin.backend;
    receipts.open = () => Promise.reject(new FanfareError("BROKER_UNAVAILABLE"));
    const answer = await publish(admin, { channel: "news", data: 1 });
    expect([answer.status, (answer.body as Published).receipt]).toEqual([200, false]);
  });
});

describe("reading a receipt", () => {
  test.each(["0", "-1", "1.5", "x", "01", "99999999999999999", "%20"])("at %s is refused", async (offset) => {
    const admin = await open();
    const answer = await call(admin, "GET", `/v1/publications/news/${offset}`);
    expect([answer.status, answer.body.code]).toEqual([400, "POSITION_INVALID"]);
  });

  test("that there is not is a 404 of its own, one of another epoch a 409, and without the scope a 403", async () => {
    const admin = await open({ keys: ["test:a-secret", "writer:other:publish"] });
    const unknown = await call(admin, "GET", "/v1/publications/news/1");
    expect([unknown.status, unknown.body.code]).toEqual([404, "RECEIPT_UNKNOWN"]);
    await publish(admin, { channel: "news", data: 1 });
    const other = await call(admin, "GET", "/v1/publications/news/1?epoch=other");
    expect([other.status, other.body.code]).toEqual([409, "EPOCH_CHANGED"]);
    const forbidden = await call(admin, "GET", "/v1/publications/news/1", { key: "other" });
    expect([forbidden.status, forbidden.body.code]).toEqual([403, "FORBIDDEN"]);
  });
});

describe("what a receipt says", () => {
  const seq = 1_764_000_000_000_000;
  const at = seq / 1_000;
  const counts = (sessions: number, more: Partial<DeliveryCounts> = {}): DeliveryCounts => ({
    ...{ sessions, written: sessions, unsent: 0, dropped: 0, recovered: 0 },
    ...more,
  });
  const alive = (node: string): NodeRecord => ({
    ...{ node, sidPrefix: `${node}-life`, peerUrl: "http://x", startedAt: 1, connections: 0, state: "ready", version: "1" },
  });
  const said = (node: string, own: DeliveryCounts, life = `${node}-life`): NodeDeliveries => ({ node, life, counts: own });
  const receipt = (...nodes: NodeDeliveries[]): Receipt => ({ channel: news, epoch: "e", offset: 1, seq, nodes });
  const upTo = (node: string, seqs: number[], more: { life?: string; at?: number } = {}) => ({
    ...{ node, life: `${node}-life`, at: at + 1_000, seqs },
    ...more,
  });
  const answer = (parts: Partial<Parameters<typeof receiptAnswer>[0]>) =>
    receiptAnswer({ receipt: receipt(), partition: 0, alive: [], reported: [], ...parts });

  test("adds the nodes up, and two lives of one node to one", () => {
    const nodes = [said("a", counts(3, { written: 1, unsent: 2 })), said("b", counts(2)), said("b", counts(1), "former")];
    expect(answer({ receipt: receipt(...nodes), alive: [alive("a"), alive("b")] })).toEqual({
      ...{ channel: "news", epoch: "e", offset: 1, at, until: at + 600_000 },
      ...counts(6, { written: 4, unsent: 2 }),
      nodes: [
        { node: "a", ...counts(3, { written: 1, unsent: 2 }) },
        { node: "b", ...counts(3) },
      ],
      nodesMissing: [],
    });
  });

  test("calls dropped what a node that is gone had not sent", () => {
    const nodes = [said("a", counts(3, { written: 1, unsent: 2 }))];
    expect(answer({ receipt: receipt(...nodes), alive: [alive("b")], reported: [upTo("b", [seq])] })).toMatchObject({
      ...counts(3, { written: 1, dropped: 2 }),
      nodesMissing: [],
    });
  });

  test("misses a node that has not come as far, and none that has and had nobody to deliver to", () => {
    const reported = [upTo("behind", [seq - 1]), upTo("past", [seq]), upTo("further", [seq + 1])];
    const nodes = ["silent", "behind", "past", "further"].map(alive);
    expect(answer({ alive: nodes, reported }).nodesMissing).toEqual(["behind", "silent"]);
  });

  test("never misses a node that has left for good with nothing more to say", () => {
    expect(answer({ alive: [alive("a")], reported: [upTo("a", [seq]), upTo("left", [seqMax])] }).nodesMissing).toEqual([]);
  });

  test("goes by the partition of the channel", () => {
    const parts = { alive: [alive("a")], reported: [upTo("a", [seq + 1, seq - 1])] };
    expect(answer({ ...parts, partition: 0 }).nodesMissing).toEqual([]);
    expect(answer({ ...parts, partition: 1 }).nodesMissing).toEqual(["a"]);
  });

  test("misses a node that ended before it could say, and none that had ended before or that came afterwards", () => {
    const reported = [
      upTo("killed", [seq - 1], { at: at - 1_000 }),
      upTo("long gone", [seq - 9], { at: at - 60_000 }),
      upTo("again", [seq - 1], { life: "former", at: at - 60_000 }),
      upTo("again", [seq + 5]),
    ];
    expect(answer({ alive: [alive("again")], reported }).nodesMissing).toEqual(["killed"]);
  });
});
