import type { Clock, Directory } from "@fanfare/domain";
import type { Fanout } from "@fanfare/fanout";
import type { Log, Metrics } from "@fanfare/telemetry";
import type { Server } from "socket.io";
import { pace } from "./drain.ts";
import { balanced, rebalance } from "./rebalance.ts";
import { sendAway } from "./send-away.ts";

export interface RebalancingParts {
  readonly io: Server;
  readonly directory: Pick<Directory, "nodes">;
  readonly fanout: Pick<Fanout, "send">;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "rebalanced">;
  readonly floor: number;
  readonly perSecond: number;
}

/** As often as nodes tell the directory how many connections they have. */
const roundMs = 2_000;

const closing = { code: "REBALANCING", reason: "another node has more room", reconnect: true } as const;

/** Lets a node with far more connections than the others give some of them away, slowly. The returned function ends that. */
export function startRebalancing(parts: RebalancingParts): () => void {
  const { io, directory, node, clock, log, metrics, floor, perSecond } = parts;
  let state = balanced;
  let stopped = false;
  let callOff = (): void => undefined;

  const round = async (): Promise<void> => {
    const nodes = await directory.nodes().catch(() => undefined);
    if (stopped) return;
    // Without a directory nobody knows the mean.
    if (nodes === undefined) state = balanced;
    else {
      const own = io.engine.clientsCount;
      const ready = nodes.flatMap((one) => (one.state !== "ready" ? [] : [one.node === node ? own : one.connections]));
      const draining = nodes.some((one) => one.state === "draining");
      const next = rebalance(state, { own, ready, draining }, { floor, perRound: (perSecond * roundMs) / 1_000 });
      if (next.shedding !== state.shedding) {
        log.info({ own, ready }, next.shedding ? "giving connections away" : "as many connections as others");
      }
      state = next;
      metrics.rebalanced.inc(next.shed);
      if (next.shed > 0) await give(next.shed);
    }
    if (!stopped) callOff = clock.after(roundMs, round);
  };
  callOff = clock.after(roundMs, round);
  return () => {
    stopped = true;
    callOff();
  };

  /** Those who have been here longest: whoever has just been moved is not moved again. */
  async function give(count: number): Promise<void> {
    const leaving = [];
    for (const socket of io.sockets.sockets.values()) if (leaving.push(socket) === count) break;
    await pace(
      leaving,
      (socket) => {
        if (stopped || !socket.connected) return;
        parts.fanout.send(socket, "fanfare:closing", closing);
        void sendAway(socket.conn, clock);
      },
      { withinMs: roundMs / 2, perSecondMin: 1, clock },
    );
  }
}
