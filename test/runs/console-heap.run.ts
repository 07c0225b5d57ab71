import { startUp, type Up } from "@fanfare/test-support";
import type { Browser, CDPSession } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../browser/chromium.ts";
import { openConsole } from "../browser/console-page.ts";

/**
 * The console, left open: Live and Demo side by side while ten publications a second come in. After a third of the time,
 * in which code is compiled and windows fill, the heap that a garbage collection leaves must not grow.
 * RUN_MINUTES=5 npm run runs -- console-heap
 */
const minutes = Number(process.env.RUN_MINUTES ?? 30);
const everyMs = 10_000;
const viewsToWatch = ["live", "demo"] as const;
/** A page that lost this much a minute would have lost 86 MB in a day; noise of a few minutes is less. */
const kBPerMinuteMax = 60;

let up: Up;
let browser: Browser;
beforeAll(async () => {
  [up, browser] = await Promise.all([startUp({ nodes: 2 }), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await up?.stop();
});

test(
  `the heap stands still for ${minutes} minutes`,
  async () => {
    const watched = await Promise.all(
      viewsToWatch.map(async (view) => {
        const { page, complaints } = await openConsole(browser, `${up.consoleUrl}#/${view}`, { key: up.adminKey });
        return { view, complaints, session: await page.context().newCDPSession(page), samples: [] as Sample[] };
      }),
    );
    const start = performance.now();
    while (performance.now() - start < minutes * 60_000) {
      await new Promise((resolve) => setTimeout(resolve, everyMs));
      for (const { session, samples } of watched) {
        samples.push({ minute: (performance.now() - start) / 60_000, kB: await heapKB(session) });
      }
    }
    for (const { view, samples, complaints } of watched) {
      const settled = samples.filter(({ minute }) => minute > minutes / 3);
      const slope = slopeOf(settled);
      console.log(
        `${view}: ${Math.round(settled[0]?.kB ?? 0)} kB, then ${Math.round(settled.at(-1)?.kB ?? 0)} kB; ${slope.toFixed(1)} kB a minute`,
      );
      expect(complaints).toEqual([]);
      expect(slope, view).toBeLessThan(kBPerMinuteMax);
    }
  },
  (minutes + 2) * 60_000,
);

interface Sample {
  readonly minute: number;
  readonly kB: number;
}

async function heapKB(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize / 1_000;
}

/** Of the line that lies nearest to all samples. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, one) => sum + of(one), 0) / samples.length;
  const [x, y] = [mean(({ minute }) => minute), mean(({ kB }) => kB)];
  const spread = samples.reduce((sum, { minute }) => sum + (minute - x) ** 2, 0);
  return samples.reduce((sum, { minute, kB }) => sum + (minute - x) * (kB - y), 0) / spread;
}
