import type { Look, ServerView } from "./view.ts";

/** The only Redis of its kind serves everything. */
const everything = [[0, 16_383]] as const;

/**
 * What a sentinel sees of the servers that it watches under a name. The replicas belong to it, because among them is the
 * primary that a sentinel with a newer or an older view would name.
 */
export function lookAtSentinel(name: string): Look {
  return async (client) => {
    const [primary, replicas, sentinels] = await Promise.all([
      client.call("SENTINEL", "MASTER", name),
      client.call("SENTINEL", "REPLICAS", name),
      client.call("SENTINEL", "SENTINELS", name),
    ]);
    const first = recordOf(primary);
    const epoch = Number(first.get("config-epoch"));
    return {
      servers: [
        { ...serverOf(first), epoch, slots: everything },
        ...recordsOf(replicas).map((replica) => ({ ...serverOf(replica), epoch, slots: [] })),
      ],
      knowing: recordsOf(sentinels).map(serverOf),
    };
  };
}

/** Its address is its name: a server that is replaced by another at the same address is the same to all who connect. */
function serverOf(fields: ReadonlyMap<string, string>): Pick<ServerView, "id" | "host" | "port"> {
  const [host = "", port = ""] = [fields.get("ip"), fields.get("port")];
  return { id: `${host}:${port}`, host, port: Number(port) };
}

function recordsOf(answer: unknown): ReadonlyMap<string, string>[] {
  return Array.isArray(answer) ? answer.map(recordOf) : [];
}

/** name, value, name, value, … */
function recordOf(answer: unknown): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  if (!Array.isArray(answer)) return fields;
  for (let at = 0; at + 1 < answer.length; at += 2) fields.set(String(answer[at]), String(answer[at + 1]));
  return fields;
}
