import { type ChannelTop, channelName } from "@fanfare/domain";
import { expect, test } from "vitest";
import { Openings } from "./openings.ts";

const channels = Array.from({ length: 1_200 }, (_, index) => channelName(`c${index}`));

test("what is asked in one turn is asked in batches, and everyone gets the answer to its own question", async () => {
  const questions: number[] = [];
  const openings = new Openings({
    open: async (asked) => {
      questions.push(asked.length);
      return asked.map((channel): ChannelTop => ({ channel, epoch: channel, offset: 1, seq: 1 }));
    },
  });
  const tops = await Promise.all(channels.map((channel) => openings.open(channel)));
  expect(tops.map(({ epoch }) => epoch)).toEqual(channels);
  expect(questions).toEqual([500, 500, 200]);
});

test("a question that fails fails for those who asked it, and the next one is asked anew", async () => {
  let away = true;
  const openings = new Openings({
    open: async (asked) => {
      if (away) throw new Error("away");
      return asked.map((channel): ChannelTop => ({ channel, epoch: "e", offset: 0, seq: 0 }));
    },
  });
  const [one = channelName("a"), other = channelName("b")] = channels;
  const outcomes = await Promise.allSettled([openings.open(one), openings.open(other)]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  away = false;
  expect(await openings.open(one)).toMatchObject({ epoch: "e" });
});
