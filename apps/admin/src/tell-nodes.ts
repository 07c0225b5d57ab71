import { type Directory, type PubSub, topicOfNode } from "@fanfare/domain";

/** Says something to every node that is alive. Nobody waits for it, and it may be lost: nodes also look by themselves. */
export type TellNodes = (message: Readonly<Record<string, unknown>>) => void;

export function createTellNodes(directory: Directory, pubSub: Pick<PubSub, "publish">, cluster: string): TellNodes {
  const tell = async (message: Readonly<Record<string, unknown>>): Promise<void> => {
    const bytes = Buffer.from(JSON.stringify(message));
    const nodes = await directory.nodes();
    await Promise.all(nodes.map(({ node }) => pubSub.publish(topicOfNode(cluster, node), bytes)));
  };
  return (message) => void tell(message).catch(() => undefined);
}
