import { type Room, row } from "../contestants/rooms.ts";
import { adapterNote } from "../contestants/stock.ts";
import { metered } from "../process/meter.ts";
import { busyMs, writeCalls } from "../process/proc.ts";
import type { Stage } from "../process/stage.ts";
import type { Metric } from "../report/outcome.ts";
import type { Run } from "../report/repetitions.ts";
import type { Heard } from "../workers/swarm.ts";
import { isLate, type Load, late } from "./lateness.ts";

/** What all scenarios that count deliveries say about them. */
export const metric = {
  micros: { key: "micros", title: "server CPU\nµs/delivery", digits: 2, spread: true },
  perCoreSecond: { key: "perCoreSecond", title: "deliveries\n/core-second", digits: 0 },
  busy: { key: "busy", title: "busy\n%", digits: 0 },
  joined: { key: "perWrite", title: "joined\n/write", digits: 2 },
  read: { key: "perRead", title: "read\nat once", digits: 2 },
  readerIdle: { key: "readerIdle", title: "reader\nidle %", digits: 0 },
  p50: { key: "p50", title: "p50\nms", digits: 1 },
  p99: { key: "p99", title: "p99\nms", digits: 1 },
} as const satisfies Record<string, Metric>;

/** Does the work and judges it: what a delivery cost the node with the subscribers, or why the run does not count. */
export async function measured(
  { cluster: { pids }, swarm, inTurn }: Room,
  stage: Stage,
  how: Load,
  work: () => Promise<Heard>,
): Promise<Run> {
  const before = { writes: writeCalls(pids.listening), reader: busyMs(swarm.reader), server: busyMs(pids.listening) };
  const { result, cpuMicros, wallMs, foreignShare } = await metered([pids.listening], stage.pids, work);
  const { deliveries, expected, whole, oneOrder, perRead, p50Ms, p99Ms, maxMs } = result;
  const perWrite = deliveries / (writeCalls(pids.listening) - before.writes);
  const idleShare = 1 - (busyMs(swarm.reader) - before.reader) / wallMs;
  const wanted = (busyMs(pids.listening) - before.server) / wallMs;
  if (!whole) return { discard: `${deliveries} of ${expected} deliveries` };
  if (!oneOrder) return { discard: "subscribers heard different orders" };
  if (isLate({ how, inTurn, perRead, perWrite, idleShare, wanted })) {
    return { discard: `reader late: ${perRead.toFixed(1)} read at once, idle ${(idleShare * 100).toFixed(0)} %` };
  }
  const used = cpuMicros[0] ?? 0;
  return {
    sample: {
      micros: used / deliveries,
      perSecond: (deliveries / wallMs) * 1_000,
      perCoreSecond: (deliveries / used) * 1_000_000,
      busy: used / wallMs / 10,
      wanted,
      perWrite,
      perRead,
      readerIdle: idleShare * 100,
      p50: p50Ms,
      p99: p99Ms,
      max: maxMs,
      foreignShare,
    },
  };
}

/** For the notes of a report. */
export const discardNote = `Discarded is a run in which a subscriber missed anything, got it twice or heard another order than the others. Also one in which more than ${late.readPerWrite} × as many messages were read at once as were written at once, unless the server may have had several for one client and the reader had time to sleep.`;

/** What the rows are. */
export function rowNotes(rooms: readonly Room[]): string[] {
  const has = (name: string) => rooms.some((room) => room.name === name);
  return [
    "fanfare and stock: published on another process, through Redis; the node with the subscribers is measured.",
    ...(has(row.loop) ? ["ws loop: one process does all, with no Socket.IO, channels or Redis."] : []),
    adapterNote,
    has(row.floor)
      ? "C: one write(2) a delivery, or up to eight frames in one writev(2), and nothing else."
      : "No C floor: there is no compiler (cc) here.",
  ];
}
