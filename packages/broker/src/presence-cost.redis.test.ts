import { type Channel, channelName, type PresenceChange } from "@fanfare/domain";
import { startRedis } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { quiet } from "../test/quiet.ts";
import { openPartition } from "./redis-partition.ts";
import { RedisPresence } from "./redis-presence.ts";
import { parseRedisUrl } from "./redis-url.ts";

/* What presence costs Redis, by its own account of the time it spends in scripts. PRESENCE_FIGURES=1 prints all of it. */

const large = 20_000;
const membersMax = 1_000;

test(`a join costs no more in a channel of ${large} than in a small one, and looking at it is bounded`, async () => {
  const redis = await startRedis();
  const partition = openPartition(parseRedisUrl(redis.url), quiet);
  try {
    const presence = new RedisPresence({ cluster: "c", partitions: [partition] });
    let next = 0;
    const joins = (count: number): PresenceChange[] =>
      Array.from({ length: count }, () => {
        const number = ++next;
        const member = { id: `session-${number}`, user: `user-${number % 9_999}`, info: { name: `Name ${number}` }, since: 1 };
        return { kind: "join", turn: 1, member };
      });
    const apply = (channel: Channel, changes: readonly PresenceChange[]) =>
      presence.apply("n.1", channel, changes, { stays: true, membersMax });
    const micros = async (times: number, act: () => Promise<unknown>): Promise<number> => {
      await redis.cli("config", "resetstat");
      for (let time = 0; time < times; time++) await act();
      const stats = String(await redis.cli("info", "commandstats"));
      const total = [...stats.matchAll(/^cmdstat_(?:evalsha|hscan):calls=\d+,usec=(\d+)/gm)];
      return total.reduce((sum, [, usec]) => sum + Number(usec), 0) / times;
    };

    const crowd = channelName("crowd");
    const few = channelName("few");
    await presence.beat(0, "n.1", 600_000);
    await apply(few, joins(20));
    for (let at = 0; at < large; at += 200) await apply(crowd, joins(200));
    expect(await presence.read(crowd, membersMax)).toMatchObject({ clients: large, members: undefined });

    const figures = {
      joinInSmallUs: await micros(200, () => apply(few, joins(1))),
      joinInLargeUs: await micros(200, () => apply(crowd, joins(1))),
      joinOf200InLargeUs: (await micros(20, () => apply(crowd, joins(200)))) / 200,
      countsOfLargeUs: await micros(200, () => presence.read(crowd, membersMax)),
      listOf220Us: await micros(20, () => presence.read(few, membersMax)),
      allOfLargeUs: await micros(3, () => presence.members(crowd)),
      beatUs: await micros(200, () => presence.beat(0, "n.1", 600_000)),
      sweepOfLargeUs: 0,
    };
    await presence.retire(0, "n.1", "node_lost", 0);
    await presence.beat(0, "n.2", 600_000);
    figures.sweepOfLargeUs = await micros(1, () => presence.sweep(0, { owner: "n.1", reason: "node_lost" }, membersMax));
    if (process.env.PRESENCE_FIGURES !== undefined) console.log(figures);

    expect(figures.joinInLargeUs).toBeLessThan(5 * figures.joinInSmallUs);
    // Lists would take milliseconds.
    expect(figures.countsOfLargeUs).toBeLessThan(1_000);
  } finally {
    partition.commands.close();
    await redis.stop();
  }
});
