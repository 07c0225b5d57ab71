import type { Ask } from "./view.ts";

/** Items of one page of the admin API, as many as it gives. */
const pageLimit = 1_000;
/** More than anybody looks through; a filter finds the rest. */
export const listMax = 20_000;

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
  readonly nodesMissing?: readonly string[];
}

export interface Whole<Item> {
  readonly items: readonly Item[];
  /** Whether there are more than {@link listMax}. */
  readonly more: boolean;
  readonly nodesMissing: readonly string[];
}

/** Reads a list to its end. */
export async function readAll<Item>(ask: Ask, path: string, query: Readonly<Record<string, string>>, signal: AbortSignal) {
  const items: Item[] = [];
  let cursor: string | null = null;
  let nodesMissing: readonly string[] = [];
  do {
    const given = Object.entries(query).filter(([, value]) => value !== "");
    const search = new URLSearchParams([
      ...given,
      ["limit", String(pageLimit)],
      ...(cursor === null ? [] : [["cursor", cursor]]),
    ]);
    const page: Page<Item> = await ask<Page<Item>>("GET", `${path}?${search}`, undefined, signal);
    items.push(...page.items);
    nodesMissing = page.nodesMissing ?? [];
    cursor = page.next;
  } while (cursor !== null && items.length < listMax);
  const whole: Whole<Item> = { items, more: cursor !== null, nodesMissing };
  return whole;
}
