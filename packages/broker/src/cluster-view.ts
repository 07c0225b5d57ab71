import type { Address, Look, ServerView } from "./view.ts";

/** A node of a Redis Cluster knows all others, and all of them know. */
export const lookAtCluster: Look = async (client, asked) => {
  const servers = parseClusterNodes(String(await client.cluster("NODES")), asked);
  return { servers, knowing: servers };
};

/**
 * The nodes that CLUSTER NODES names and that can be asked. A node that does not know its own address yet is given the one
 * that it was asked at.
 */
export function parseClusterNodes(text: string, asked: Address): ServerView[] {
  return text.split("\n").flatMap((line) => {
    const [id = "", address = "", flags = "", , , , epoch, , ...slots] = line.trim().split(" ");
    const [, host = "", port] = /^(.*):([0-9]+)(?:@|,|$)/.exec(address) ?? [];
    if (port === undefined || port === "0" || /\b(?:noaddr|handshake)\b/.test(flags)) return [];
    return {
      id,
      host: host === "" ? asked.host : host,
      port: Number(port),
      epoch: Number(epoch),
      slots: flags.includes("master") ? slots.flatMap(rangeOf) : [],
    };
  });
}

/** `7`, `0-5460`; `[7->-id]` speaks of a slot that is on its way and is said to be its present owner's besides. */
function rangeOf(text: string): (readonly [number, number])[] {
  const [, from, to = from] = /^([0-9]+)(?:-([0-9]+))?$/.exec(text) ?? [];
  return from === undefined ? [] : [[Number(from), Number(to)]];
}
