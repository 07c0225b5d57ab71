import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";

export interface Upstream {
  readonly port: number;
  /** What the ids of its sessions start with, up to the dot. */
  readonly sidPrefix: string;
}

const sessionOf = /^[A-Z]+ \S*[?&]sid=([^.&\s]+)\./;

/**
 * A plain balancer: a connection goes to the next node in turn, except that one whose first request names a session goes to
 * the node that made it. Stock clients in Node open a connection per poll, so that is enough for them.
 */
export function startBalancer(upstreams: () => readonly Upstream[]): Promise<FaultProxy> {
  let turn = 0;
  return startFaultProxy({
    target: (head) => {
      const nodes = upstreams();
      const prefix = sessionOf.exec(head)?.[1];
      return nodes.find(({ sidPrefix }) => sidPrefix === prefix) ?? nodes[turn++ % Math.max(1, nodes.length)];
    },
  });
}
