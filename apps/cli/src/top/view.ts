import type { ConnectionRecord, NodesPage, Stats } from "@fanfare/domain";
import { type AdminAddress, getFromAdmin, refusalOf } from "../admin-client.ts";

/** The cluster at one moment, as the admin API tells it. */
export interface View {
  readonly stats: Stats;
  readonly nodes: NodesPage["items"];
  /** The connections that are furthest behind. */
  readonly slow: readonly ConnectionRecord[];
}

const slowMax = 5;

/** Rejects with a {@link Failure} when one of the three cannot be had. */
export async function look(address: AdminAddress): Promise<View> {
  const ask = async (path: string): Promise<unknown> => {
    const answer = await getFromAdmin(address, path);
    if (answer.status !== 200) throw refusalOf(answer);
    return answer.body;
  };
  const [stats, nodes, connections] = await Promise.all([
    ask("/v1/stats"),
    ask("/v1/nodes"),
    ask(`/v1/connections?sort=unsent&limit=${slowMax}`),
  ]);
  return {
    stats: stats as Stats,
    nodes: (nodes as NodesPage).items,
    slow: (connections as { readonly items: readonly ConnectionRecord[] }).items,
  };
}
