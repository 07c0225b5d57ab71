import { type Clock, pause } from "@fanfare/domain";
import type { Fanout } from "@fanfare/fanout";
import type { Relay } from "@fanfare/relay";
import type { Server, Socket } from "socket.io";
import { budgetOf } from "./budget.ts";
import { sendAway } from "./send-away.ts";

export interface DrainParts {
  readonly io: Server;
  readonly relay: Relay | undefined;
  readonly fanout: Pick<Fanout, "send">;
  readonly clock: Clock;
  /** By when all clients are to be gone. */
  readonly withinMs: number;
}

/**
 * Clients that leave in a second at least, however much time there is. Few, so that nobody queues: each that comes back costs
 * its new node, the balancer and Redis several milliseconds, and the cores may be loaded, by its node's replacement too.
 */
const perSecondMin = 25;
/** Other nodes are told at first which polls of our clients wait there. One that does not answer holds up nobody for longer. */
const releasedShare = 0.1;
/** By when all have had their turn. The last of the time is for those to leave who had it late. */
const pacedShare = 0.85;

const closing = { code: "DRAINING", reason: "this node is shutting down", reconnect: true } as const;

/** Sends all clients to other nodes. Resolves when they are gone, or when the time is over, with how many are not. */
export async function moveEverybody({ io, relay, fanout, clock, withinMs }: DrainParts): Promise<number> {
  const budget = budgetOf(withinMs, clock);
  if (relay !== undefined) await budget.within(releasedShare, relay.release());
  // Engine.IO's own list, protected in its types: it also has those that have not said yet which namespace they want.
  const { clients } = io.engine as unknown as { clients: Readonly<Record<string, Socket["conn"]>> };
  const sockets = new Map([...io.sockets.sockets.values()].map((socket) => [socket.conn, socket]));
  const leaving: Promise<void>[] = [];
  let gone = 0;
  const turns = [
    ...Object.values(clients).map((conn) => () => {
      const socket = sockets.get(conn);
      if (socket !== undefined) fanout.send(socket, "fanfare:closing", closing);
      leaving.push(sendAway(conn, clock).then(() => void gone++));
    }),
    // Websockets of other nodes' sessions end here too: the client sees its transport close, as the others do.
    ...[...(relay?.splices ?? [])].map((socket) => () => void socket.destroy()),
  ];
  await pace(turns, (turn) => turn(), { withinMs: budget.left(pacedShare), perSecondMin, clock });
  await budget.within(1, Promise.all(leaving));
  return leaving.length - gone;
}

export interface PaceOptions {
  /** By when all must have had their turn. */
  readonly withinMs: number;
  /** Goes no slower than this: a few clients are moved in a moment. */
  readonly perSecondMin: number;
  readonly clock: Clock;
  /** From 0 up to 1, for the time between two batches. */
  readonly random?: () => number;
}

/** Between two batches, half of it more or less. */
const stepMs = 50;

/**
 * Gives every item its turn, in batches that are spread over the time there is, so that whoever they turn to next gets them
 * at a rate and not in a heap. Uneven pauses keep several draining nodes from falling into step.
 */
export async function pace<Item>(
  items: readonly Item[],
  act: (item: Item) => void,
  { withinMs, perSecondMin, clock, random = Math.random }: PaceOptions,
): Promise<void> {
  const startedAtMs = clock.monotonic();
  for (let next = 0; next < items.length; ) {
    const leftMs = withinMs - (clock.monotonic() - startedAtMs);
    const left = items.length - next;
    const pauseMs = stepMs * (0.5 + random());
    // As many as the pause behind them is long; with less time left than that, all of them.
    const share = leftMs <= pauseMs ? left : Math.ceil((left * pauseMs) / leftMs);
    const batch = Math.max(share, Math.ceil((perSecondMin * pauseMs) / 1_000));
    for (const item of items.slice(next, next + batch)) act(item);
    next += batch;
    if (next < items.length) await pause(pauseMs, clock);
  }
}
