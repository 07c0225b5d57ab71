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
  const polled = usePoll(JSON.stringify([path, query]), { everyMs: 4_000, calmMs: 15_000, stirs, rests: isLong }, (signal) =>
    readAll<Item>(ask, path, query, signal),
  );
  return { ...polled, short: polled.answer === undefined || !isLong(polled.answer) };
}

function isLong({ items }: Whole<unknown>): boolean {
  return items.length > shortMax;
}
