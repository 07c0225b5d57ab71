import { setTimeout as pause } from "node:timers/promises";
import { type Cluster, until } from "@fanfare/test-support";
import { type Transports, Watcher } from "./watcher.ts";

/** 300 clients by default; RUN_CLIENTS for a smaller machine. A third each: polling only, polling and upgrade, websocket only. */
const crowdSize = Number(process.env.RUN_CLIENTS ?? 300);

const kinds: readonly Transports[] = [["polling"], undefined, ["websocket"]];

/** Ten, with every tenth client in each: a hundred publications a second are ten for each client. */
export const channels = Array.from({ length: 10 }, (_, at) => `public:run${at}`);

/** Connects them a few at a time, as clients come, and resolves when all are welcomed. */
export async function connectCrowd(url: string, size = crowdSize, over: readonly string[] = channels): Promise<Watcher[]> {
  const watchers: Watcher[] = [];
  while (watchers.length < size) {
    const some = Array.from({ length: Math.min(6, size - watchers.length) }, (_, at) => {
      const n = watchers.length + at;
      return new Watcher(url, over[n % over.length] ?? "", kinds[n % kinds.length]);
    });
    await Promise.all(some.map((watcher) => watcher.welcomed()));
    watchers.push(...some);
  }
  return watchers;
}

export interface Producer {
  /** The last number of each channel. */
  readonly published: ReadonlyMap<string, number>;
  readonly total: number;
  /** Resolves when what was begun is stored. */
  stop(): Promise<void>;
}

/** Publishes numbers from 1 on to every channel, one after another, each until it is stored: so many a second in all. */
export function startProducer(cluster: Cluster, perSecond: number, over: readonly string[] = channels): Producer {
  const published = new Map<string, number>();
  let going = true;
  const startedMs = performance.now();
  const everyMs = (1_000 * over.length) / perSecond;
  const lanes = over.map(async (channel, at) => {
    for (let n = 1; going; n++) {
      await pause(Math.max(0, startedMs + (n + at / over.length) * everyMs - performance.now()));
      await cluster.publishUntilStored(channel, n);
      published.set(channel, n);
    }
  });
  return {
    published,
    get total() {
      return [...published.values()].reduce((sum, n) => sum + n, 0);
    },
    async stop() {
      going = false;
      await Promise.all(lanes);
    },
  };
}

/** Until everybody has heard all of its channel. */
export function caughtUp(watchers: readonly Watcher[], { published }: Producer, ms = 60_000): Promise<void> {
  return until(() => {
    const behind = watchers.filter(({ heard, channel }) => heard < (published.get(channel) ?? 0));
    return behind.length === 0 ? undefined : `${behind.length} have not heard everything`;
  }, ms);
}

/** The sum of a metric's lines that contain all of these labels, over all nodes that run. */
export async function metric(cluster: Cluster, name: string, ...labels: string[]): Promise<number> {
  let sum = 0;
  for (const { peerPort } of cluster.liveGateways) {
    const text = await (await fetch(`http://127.0.0.1:${peerPort}/metrics`)).text();
    for (const line of text.split("\n")) {
      const isIt = line.startsWith(`${name}{`) || line.startsWith(`${name} `);
      if (isIt && labels.every((label) => line.includes(label))) sum += Number(line.split(" ").at(-1));
    }
  }
  return sum;
}

/** One row of figures, to be copied into docs/FAULTS.md. */
export function report(name: string, figures: Readonly<Record<string, number | string>>): void {
  const parts = Object.entries(figures).map(([key, value]) => `${key} ${value}`);
  console.log(`\n${name}: ${parts.join(", ")}\n`);
}
