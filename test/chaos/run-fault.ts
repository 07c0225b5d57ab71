import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type Channel, channelName, partitionOf } from "@fanfare/domain";
import {
  type Acked,
  type Cluster,
  type ClusterOptions,
  judge,
  type Random,
  type SharedRedis,
  seeded,
  startClusterOn,
  startRedis,
  type TestClient,
  type TestRedis,
  until,
  type Verdict,
} from "@fanfare/test-support";
import { type Load, startLoad } from "./load.ts";

/** One operational event, and the kind of Redis that it befalls. */
export interface Fault<Redis extends SharedRedis = TestRedis> {
  /** As in the table of `npm run chaos`. */
  readonly name: string;
  readonly cluster?: ClusterOptions;
  /** Bytes of each payload beside its number. */
  readonly payloadBytes?: number;
  /** Whether the log is gone afterwards, so that every subscriber must be told. Otherwise nobody may be told anything. */
  readonly losesLog?: boolean;
  /** Whether clients lose their node, so that some sessions must have been recovered. */
  readonly movesClients?: boolean;
  /** Brings the fault about; resolves when it is over. */
  strike(world: World<Redis>): Promise<void>;
}

interface World<Redis extends SharedRedis> {
  readonly cluster: Cluster<Redis>;
  readonly clients: readonly TestClient[];
  /** What is published to and heard: each in a partition of its own, where there are several. */
  readonly channels: readonly Channel[];
  readonly random: Random;
  /** The first length in the short version, the second in the full one. */
  lasting(shortMs: number, fullMs: number): Promise<void>;
  /** A random part of a second, so that rounds strike at different moments. */
  aMoment(): Promise<void>;
}

export interface Round {
  readonly published: number;
  /** Publishes that were not answered 2xx at their first try. */
  readonly retried: number;
  readonly verdict: Verdict;
  /** Clients whose session was recovered, each time that it connected again. */
  readonly recoveries: number;
  /** For each client: from the end of the fault to when it had nothing left to catch up with. */
  readonly catchUpMs: readonly number[];
  /** Channels of clients that were not told to reload. Only where they have to be. */
  readonly untold: readonly string[];
}

/** As many as a redis+cluster:// URL stands for when it does not say. */
const partitions = 8;
const channels = [0, 1, 2, 3, 4].map((partition): Channel => {
  for (let number = 1; ; number++) {
    const channel = channelName(`public:chaos${number}`);
    if (partitionOf(channel, partitions) === partition) return channel;
  }
});

const full = process.env.CHAOS_FULL === "1";
const clientCount = full ? 60 : 15;
/** Publications before the fault and after it. */
const calm = { before: 100, after: 200 };
const settleMs = 60_000;
const silenceMs = 20_000;
/** Publications that took longer from their answer to their subscriber were held up by the fault. */
const heldUpMs = 250;

/** Publishes at 100 a second to stock clients on three nodes, brings the fault about and judges what everyone has heard. */
export function runFault(fault: Fault, seed: number): Promise<Round> {
  const { redisProxies: port = false, redis } = fault.cluster ?? {};
  return runFaultOn(() => startRedis({ port, ...redis }), fault, seed);
}

/** As {@link runFault}, on the Redis that `start` starts for it. */
export async function runFaultOn<Redis extends SharedRedis>(
  start: () => Promise<Redis>,
  fault: Fault<Redis>,
  seed: number,
): Promise<Round> {
  const random = seeded(seed);
  const cluster = await startClusterOn(await start(), { gateways: 3, ...fault.cluster });
  try {
    const clients = await connect(cluster);
    const load = startLoad(cluster, channels, `${seed}-${randomBytes(4).toString("hex")}`, fault.payloadBytes);
    const { acked } = load;
    await until(() => (acked.length < calm.before ? "too few publications before the fault" : undefined), settleMs);
    await fault.strike({
      cluster,
      clients,
      channels,
      random,
      lasting: (shortMs, fullMs) => pause(full ? fullMs : shortMs),
      aMoment: () => pause(random.between(0, 1_000)),
    });
    const endMs = performance.now();
    const due = acked.length + calm.after;
    await until(() => (acked.length < due ? `only ${acked.length} of ${due} publishes were stored` : undefined), settleMs);
    await load.stop();
    await settled(clients, load);
    const judged = clients.map(({ history }, index) => ({ name: `client ${index}`, channels, history }));
    return {
      published: acked.length,
      retried: acked.filter(({ tries }) => tries > 1).length,
      verdict: judge(acked, judged),
      recoveries: clients.reduce((sum, client) => sum + client.recoveries, 0),
      catchUpMs: clients.map((client) => caughtUpMs(client, load, endMs)),
      untold: clients.flatMap((client, index) => untold(client).map((channel) => `client ${index} ${channel}`)),
    };
  } catch (failure) {
    console.error(cluster.log());
    throw failure;
  } finally {
    await cluster.stop();
  }
}

/** Stock clients of every kind through the balancer, with not a line of code about reconnecting. */
function connect(cluster: Cluster<SharedRedis>): Promise<TestClient[]> {
  const kinds = [["websocket"], ["polling"], undefined] as const;
  return Promise.all(
    // By threes, so that the balancer's round gives every node clients of every kind.
    Array.from({ length: clientCount }, (_, index) =>
      cluster.client({ transports: kinds[Math.floor(index / 3) % kinds.length], channels }),
    ),
  );
}

/** Until everyone has heard the newest of every channel, or nothing has come for a long time: then the judge has its say. */
async function settled(clients: readonly TestClient[], { acked }: Load): Promise<void> {
  const newest = channels.map((channel) => newestOf(acked.filter((one) => one.channel === channel)));
  const isBehind = (client: TestClient): boolean =>
    newest.some((top) => top !== undefined && !client.publications(top.channel).some(({ id }) => id === top.id));
  let entries = 0;
  let sinceMs = performance.now();
  await until(() => {
    const now = clients.reduce((sum, { history }) => sum + history.length, 0);
    if (now !== entries) sinceMs = performance.now();
    entries = now;
    const behind = clients.filter(isBehind).length;
    return behind === 0 || performance.now() - sinceMs > silenceMs ? undefined : `${behind} clients are still catching up`;
  }, 2 * settleMs);
}

/** The end of a log: what was tried again is answered late but may stand early. */
function newestOf(acked: readonly Acked[]): Acked | undefined {
  const epoch = acked.at(-1)?.epoch;
  return acked.filter((one) => one.epoch === epoch).sort((a, b) => b.offset - a.offset)[0];
}

function caughtUpMs({ history }: TestClient, { ackedAtMs }: Load, endMs: number): number {
  const late = history.flatMap((entry) => {
    if (entry.kind !== "heard") return [];
    const answeredMs = ackedAtMs.get(entry.id ?? "") ?? Number.POSITIVE_INFINITY;
    return entry.atMs - answeredMs > heldUpMs || answeredMs < endMs ? [entry.atMs - endMs] : [];
  });
  return Math.max(0, ...late);
}

function untold(client: TestClient): string[] {
  const told = new Set(client.resets().map(({ channel }) => channel));
  return channels.filter((channel) => !told.has(channel));
}
