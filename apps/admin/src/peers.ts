import { CommandAnswer, FanfareError, type NodeCommand, type NodeRecord, validator } from "@fanfare/domain";
import { orderPeer, peerAgents } from "@fanfare/relay";

/** Orders wait for nobody and are few. */
const socketsMax = 16;

const parseAnswer = validator(CommandAnswer);

/** Tells nodes what to do, on their peer ports. */
export interface Peers {
  /** Rejects with `NODE_UNREACHABLE` unless the node accepts. */
  drain(node: NodeRecord): Promise<void>;
  /** Resolves with what came of it. Rejects unless the node confirms in time. */
  command(node: NodeRecord, command: NodeCommand): Promise<CommandAnswer>;
  /** Throws `NODE_UNREACHABLE` where no node would obey. */
  requireSecret(): string;
  close(): void;
}

export function createPeers(secret: string | undefined): Peers {
  const agents = peerAgents(socketsMax);
  const requireSecret = (): string => {
    if (secret !== undefined) return secret;
    throw new FanfareError("NODE_UNREACHABLE", { detail: "Nodes obey FANFARE_CLUSTER_SECRET, and it is not set here." });
  };
  return {
    requireSecret,
    async drain({ peerUrl }) {
      await orderPeer(peerUrl, "/drain", requireSecret(), agents);
    },
    async command({ peerUrl }, command) {
      return parseAnswer(await orderPeer(peerUrl, "/commands", requireSecret(), agents, command));
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}
