import { type Channel, type ChannelTop, channelName } from "@fanfare/domain";
import { expect, test } from "vitest";
import { stoppedClock } from "../test/stopped-clock.ts";
import type { ChannelState } from "./channel-state.ts";
import { watchIdleChannels } from "./idle-check.ts";

/** The longest that two rounds are apart, with the second look. */
const roundMsMax = 39_000;

/** A node with so many channels that nobody speaks on, and a broker that says where they stand. */
function quietNode(count: number) {
  const clock = stoppedClock();
  const tops = new Map<Channel, ChannelTop>();
  const states = Array.from({ length: count }, (_, index) => {
    const channel = channelName(`c${index}`);
    const top = { channel, epoch: "e", offset: 1, seq: 1 };
    tops.set(channel, top);
    // What the check looks at of a channel's state.
    return { channel, partition: index % 2, delivered: top, heard: false } as unknown as ChannelState;
  });
  const node = { away: false, asked: new Map<Channel, number>(), alarms: [] as number[] };
  const open = async (channels: readonly Channel[]) => {
    for (const channel of channels) node.asked.set(channel, (node.asked.get(channel) ?? 0) + 1);
    if (node.away) throw new Error("away");
    return channels.flatMap((channel) => tops.get(channel) ?? []);
  };
  const stop = watchIdleChannels(states, { open }, clock, (partition) => node.alarms.push(partition));
  /** The broker has stored one more that this node was not told of. */
  const lose = (index: number): void => {
    const channel = channelName(`c${index}`);
    tops.set(channel, { channel, epoch: "e", offset: 2, seq: 2 });
  };
  return { node, clock, states, lose, stop };
}

test("what was lost on a channel that has just gone quiet shows in the next round", async () => {
  const { node, clock, states, lose } = quietNode(10);
  await clock.pass(10 * roundMsMax);
  for (const state of states) state.heard = true;
  lose(3);
  await clock.pass(2 * roundMsMax);
  expect(node.alarms[0]).toBe(1);
});

test("channels at rest are asked about in turns, all of them, and a loss there shows, too", async () => {
  const { node, clock, states, lose } = quietNode(1_000);
  await clock.pass(roundMsMax);
  expect(node.asked.size).toBe(1_000);
  node.asked.clear();
  await clock.pass(4 * roundMsMax);
  expect(node.asked.size).toBe(1_000);
  // In four to seven rounds each is asked about at most every second time.
  expect(Math.max(...node.asked.values())).toBeLessThanOrEqual(4);
  expect(node.alarms).toEqual([]);
  lose(states.length - 2);
  await clock.pass(4 * roundMsMax);
  expect(new Set(node.alarms)).toEqual(new Set([0]));
});

test("where something is published nobody asks, and of a broker that is away nothing is believed", async () => {
  const { node, clock, states, stop } = quietNode(10);
  for (const state of states.slice(0, 5)) state.heard = true;
  node.away = true;
  await clock.pass(roundMsMax);
  expect([...node.asked.keys()].slice(0, 5)).toEqual(states.slice(5).map(({ channel }) => channel));
  node.away = false;
  node.asked.clear();
  await clock.pass(roundMsMax);
  expect(node.asked.size).toBe(10);
  stop();
  node.asked.clear();
  await clock.pass(10 * roundMsMax);
  expect(node.asked.size).toBe(0);
});
