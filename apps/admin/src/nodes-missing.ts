import type { Context } from "./context.ts";

/** Names of the nodes of which lists may lack something. Asks the broker only, never a node. */
export async function nodesMissing({ registry, directory }: Pick<Context, "registry" | "directory">): Promise<string[]> {
  const alive = await directory.nodes();
  return registry.missing(alive.map(({ node }) => node));
}
