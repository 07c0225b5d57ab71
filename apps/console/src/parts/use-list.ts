import { useState } from "preact/hooks";
import type { Told } from "../cluster-feed.ts";
import { readAll, type Whole } from "../pages.ts";
import { useAsk } from "../view.ts";
import { type Polled, usePoll } from "./use-poll.ts";

/** Short lists are read whenever they may have changed; long ones when somebody asks for it. */
const shortMax = 1_000;

/** A list of the admin API to its end, with what happens in it. */
export function useList<Item>(
  path: string,
  query: Readonly<Record<string, string>>,
  stirs: (told: Told) => boolean,
): Polled<Whole<Item>> & { readonly short: boolean } {
  const ask = useAsk();
  const [short, setShort] = useState(true);
  const pace = short ? { everyMs: 4_000, calmMs: 15_000, stirs } : { everyMs: 0 };
  const polled = usePoll(JSON.stringify([path, query]), pace, async (signal) => {
    const whole = await readAll<Item>(ask, path, query, signal);
    setShort(whole.items.length <= shortMax);
    return whole;
  });
  return { ...polled, short };
}
