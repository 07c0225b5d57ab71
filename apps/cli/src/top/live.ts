import { setTimeout as sleep } from "node:timers/promises";
import { reasonOf } from "../doctor/visit.ts";
import { type Ink, topPage } from "./page.ts";
import type { View } from "./view.ts";

export interface LiveOptions {
  readonly look: () => Promise<View>;
  readonly everyMs: number;
  readonly ink: Ink;
  readonly stop: AbortSignal;
  readonly write: (text: string) => void;
}

/** The terminal's other screen, so that what stood there comes back; no cursor. */
const enter = "\x1b[?1049h\x1b[?25l";
const exit = "\x1b[?25h\x1b[?1049l";
const samplesMax = 40;

/** Draws the page anew until it is stopped. An API that does not answer is said below what was seen last. */
export async function live({ look, everyMs, ink, stop, write }: LiveOptions): Promise<void> {
  const past: number[] = [];
  let lines: readonly string[] = ["looking …"];
  const draw = (foot: string) => write(`\x1b[H${[...lines, "", foot].map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`);
  write(enter);
  try {
    draw("");
    while (!stop.aborted) {
      try {
        const view = await look();
        past.push(view.stats.deliveriesPerSecond);
        if (past.length > samplesMax) past.shift();
        lines = topPage(view, past, ink);
        draw(ink.dim(`every ${everyMs / 1_000} s, q quits`));
      } catch (error) {
        draw(ink.red(`${reasonOf(error)} Trying on.`));
      }
      await sleep(everyMs, undefined, { signal: stop }).catch(() => undefined);
    }
  } finally {
    write(exit);
  }
}
