import { channelName, type OwnedConnection, type PageRequest, type RegistryPage } from "@fanfare/domain";
import { seeded, startRedis, type TestRedis } from "@fanfare/test-support";
import { afterAll, beforeAll, expect, test } from "vitest";
import { quiet } from "../test/quiet.ts";
import { Commands } from "./commands.ts";
import { RedisRegistry } from "./redis-registry.ts";
import { parseRedisUrl } from "./redis-url.ts";

let redis: TestRedis;
let commands: Commands;
beforeAll(async () => {
  redis = await startRedis();
  commands = new Commands(parseRedisUrl(redis.url), quiet);
});
afterAll(async () => {
  commands.close();
  await redis.stop();
});

const count = 50_000;
const leaseMs = 60_000;
const all = channelName("all");

/** Who stays is in `all` the whole time; everybody is in one of 500 other channels as well. */
function owned(number: number, salt = 0): OwnedConnection {
  const channels = [all, channelName(`room:${(number + salt) % 500}`)];
  const about = { transport: "websocket", address: "203.0.113.7", since: 1_764_000_000_000, unsentBytes: 0 } as const;
  // Spread like real ids, which have no order of their own.
  const id = `${((number * 2_654_435_761) % 4_294_967_296).toString(36).padStart(7, "0")}AAAB`;
  return { connection: { ...about, id, user: `user ${number % 20_000}`, channels }, turn: 1 };
}

test("50,000 connections are paged through under churn: who stays comes once, and nobody twice", async () => {
  const registry = new RedisRegistry("paging", commands);
  let stamp: string | undefined;
  let batches = 0;
  const say = async (changed: readonly OwnedConnection[], gone: readonly string[] = []): Promise<void> => {
    const batch = { node: "a", after: stamp, stamp: String(++batches), complete: true, changed, gone };
    expect(await registry.write(batch, leaseMs)).toBe("written");
    stamp = batch.stamp;
  };
  for (let at = 0; at < count; at += 500) await say(Array.from({ length: 500 }, (_, index) => owned(at + index)));
  expect(await registry.totals()).toEqual({ connections: count, channels: 501, users: 20_000 });

  const random = seeded(7);
  let fresh = count;
  let churning = true;
  // Every tenth comes and goes, others change what they are subscribed to: beside the reading, as fast as it goes.
  const churn = (async () => {
    while (churning) {
      const going = Array.from({ length: 50 }, () => random.between(0, count / 10 - 1) * 10);
      const changing = Array.from({ length: 50 }, () => random.between(0, count / 10 - 1) * 10 + 1);
      await say(
        [...changing.map((number) => owned(number, fresh)), ...going.map(() => owned(fresh++))],
        going.map((number) => owned(number).connection.id),
      );
    }
  })();

  const [byId, byChannel] = await Promise.all([
    idsOf((page) => registry.connections({}, page)),
    idsOf((page) => registry.connections({ channel: all }, page)),
  ]).finally(() => {
    churning = false;
    return churn;
  });
  expect(fresh).toBeGreaterThan(count + 500);
  for (const ids of [byId, byChannel]) {
    const seen = new Set(ids);
    expect(seen.size).toBe(ids.length);
    const lacking = Array.from({ length: count }, (_, number) => number).filter(
      (number) => number % 10 !== 0 && !seen.has(owned(number).connection.id),
    );
    expect(lacking).toEqual([]);
  }
}, 60_000);

async function idsOf(read: (page: PageRequest) => Promise<RegistryPage<{ readonly id: string }>>): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const { items, next } = await read({ after, limit: 1_000 });
    ids.push(...items.map(({ id }) => id));
    after = next;
  } while (after !== undefined);
  return ids;
}
