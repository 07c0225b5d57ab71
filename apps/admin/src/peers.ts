import { FanfareError, type NodeRecord } from "@fanfare/domain";
import { orderPeer, peerAgents } from "@fanfare/relay";

/** Orders wait for nobody and are few. */
const socketsMax = 16;

/** Tells nodes what to do, on their peer ports. */
export interface Peers {
  /** Rejects with `NODE_UNREACHABLE` unless the node accepts. */
  drain(node: NodeRecord): Promise<void>;
  close(): void;
}

export function createPeers(secret: string | undefined): Peers {
  const agents = peerAgents(socketsMax);
  return {
    async drain({ peerUrl }) {
      if (secret === undefined) {
        throw new FanfareError("NODE_UNREACHABLE", { detail: "Nodes obey FANFARE_CLUSTER_SECRET, and it is not set here." });
      }
      await orderPeer(peerUrl, "/drain", secret, agents);
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}
