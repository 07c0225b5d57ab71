import { type TestRedis, until } from "@fanfare/test-support";

/** Longer than anybody waits for it: the primary is killed meanwhile. */
const writesPausedMs = 10_000;

/**
 * Holds up writes to a primary and resolves when its replica has all that it answered. A replica hears what was answered
 * only afterwards, so whatever is on its way when a primary dies is lost, and no node can help it. How subscribers are told
 * of that loss is the row of sentinel-lagging.test.ts; what remains here is the failover itself, which must not lose
 * anything.
 */
export async function caughtUp(primary: TestRedis, replica: TestRedis): Promise<void> {
  await primary.cli("client", "pause", String(writesPausedMs), "write");
  await until(async () => {
    const [ahead, behind] = [await offsetOf(primary, "master"), await offsetOf(replica, "slave")];
    return ahead === behind ? undefined : `the primary is at ${ahead}, its replica at ${behind}`;
  });
}

async function offsetOf(server: TestRedis, role: "master" | "slave"): Promise<number> {
  const text = String(await server.cli("info", "replication"));
  const [, offset] = new RegExp(`^${role}_repl_offset:([0-9]+)`, "m").exec(text) ?? [];
  if (offset === undefined) throw new Error(`this server is no ${role}`);
  return Number(offset);
}
