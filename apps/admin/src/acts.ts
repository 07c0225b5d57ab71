import {
  type Acted,
  type CommandAnswer,
  catalogue,
  type ErrorCode,
  FanfareError,
  type NodeCommand,
  type NodeRecord,
  pause,
} from "@fanfare/domain";
import type { Context } from "./context.ts";

/** What is to be done, to whomever. */
export type Act = NodeCommand extends infer Command
  ? Command extends { target: unknown }
    ? Omit<Command, "target">
    : never
  : never;

type ActContext = Pick<Context, "registry" | "directory" | "peers" | "clock">;

/** Longer than the registry may be behind: a connection that is new, or has moved, is found where it is by then. */
const lookAgainMs = 700;
const looksMax = 3;

/** Does it to one connection. Rejects with `NOT_FOUND`, or with what its node has refused it for. */
export async function actOnConnection(id: string, act: Act, context: ActContext): Promise<Acted> {
  const { registry, clock } = context;
  for (let looks = 1; ; looks++) {
    const connection = await registry.connection(id);
    if (connection !== undefined) {
      const { refused: [refused] = [], ...acted } = await tellNodes([connection.node], { ...act, target: { id } }, context);
      if (refused !== undefined) throw new FanfareError(codeOf(refused.code), { detail: refused.message });
      if (acted.applied > 0 || acted.nodesMissing !== undefined) return acted;
    } else if (looks > 1) throw new FanfareError("NOT_FOUND", { detail: "No connection has this id." });
    if (looks === looksMax) throw new FanfareError("NOT_FOUND", { detail: "The connection has ended." });
    await pause(lookAgainMs, clock);
  }
}

/**
 * Does it to all connections of a user. Every node that is alive is asked, because the registry is half a second behind and
 * who has just connected is to be found too; a node that is not, but has some on record, has not confirmed. A user without
 * connections is no mistake.
 */
export async function actOnUser(user: string, act: Act, context: ActContext): Promise<Acted> {
  const { registry, directory } = context;
  const [connections, alive] = await Promise.all([registry.connectionsOf(user), directory.nodes()]);
  const nodes = new Set([...connections, ...alive].map(({ node }) => node));
  return tellNodes([...nodes].sort(), { ...act, target: { user } }, context);
}

async function tellNodes(names: readonly string[], command: NodeCommand, { directory, peers }: ActContext): Promise<Acted> {
  const alive = new Map((await directory.nodes()).map((record) => [record.node, record]));
  const answers = await Promise.all(
    names.map(async (node) => ({ node, answer: await answerOf(alive.get(node), command, peers) })),
  );
  const nodes = answers.flatMap(({ node, answer }) =>
    answer === undefined || answer.applied === 0 ? [] : [{ node, applied: answer.applied }],
  );
  const refused = answers.flatMap(({ answer }) => answer?.refused ?? []);
  const nodesMissing = answers.filter(({ answer }) => answer === undefined).map(({ node }) => node);
  return {
    applied: nodes.reduce((sum, { applied }) => sum + applied, 0),
    nodes,
    ...(refused.length === 0 ? {} : { refused }),
    ...(nodesMissing.length === 0 ? {} : { nodesMissing }),
  };
}

/** Undefined when the node did not confirm: it may be dead, or have done it all the same. */
async function answerOf(
  node: NodeRecord | undefined,
  command: NodeCommand,
  peers: Context["peers"],
): Promise<CommandAnswer | undefined> {
  peers.requireSecret();
  if (node === undefined) return undefined;
  return peers.command(node, command).catch(() => undefined);
}

/** A node of another version may know other codes. */
function codeOf(code: string): ErrorCode {
  return Object.hasOwn(catalogue, code) ? (code as ErrorCode) : "INTERNAL";
}
