import { setTimeout as sleep } from "node:timers/promises";
import type { NodesPage } from "@fanfare/domain";
import { Command } from "commander";
import { adminUrlOf } from "../addresses.ts";
import { type AdminAddress, getFromAdmin, postToAdmin, refusalOf } from "../admin-client.ts";
import { Failure } from "../failure.ts";
import { count } from "../findings.ts";
import { settingsFrom, withSettings } from "../settings.ts";
import { type Screen, stdout } from "../steps.ts";
import { timeOption } from "./token.ts";

interface DrainFlags {
  readonly wait?: boolean;
  readonly timeout: number;
  readonly json?: boolean;
}

/** Between two looks at whether the node is still there. */
const lookMs = 250;

export function drainCommand(): Command {
  const command = new Command("drain")
    .description("move a node's clients to the others and end it")
    .argument("<node>", "its name, as top and GET /v1/nodes list it")
    .option("--wait", "return only when the node is gone; meanwhile how many clients it still has")
    .addOption(timeOption("--timeout <time>", "how long to wait at most", "5m"))
    .option("--json", "print { node, state } as JSON, at the end only");
  return withSettings(command, "client").action(async (node: string, { wait = false, timeout, json = false }: DrainFlags) => {
    const settings = settingsFrom(command);
    const address = { url: adminUrlOf(settings), key: settings.adminKey };
    const answer = await postToAdmin(address, `/v1/nodes/${encodeURIComponent(node)}/drain`, "{}");
    if (answer.status !== 202) throw refusalOf(answer);
    const silent: Screen = { terminal: false, write: () => undefined };
    const screen = json ? silent : stdout;
    screen.write(`${node} is draining\n`);
    if (wait) await gone(address, node, timeout * 1_000, screen);
    if (json) stdout.write(`${JSON.stringify({ node, state: wait ? "gone" : "draining" })}\n`);
  });
}

async function gone(address: AdminAddress, node: string, timeoutMs: number, { terminal, write }: Screen): Promise<void> {
  const startedMs = performance.now();
  const sinceMs = () => performance.now() - startedMs;
  let said: number | undefined;
  let left = await connectionsOf(address, node);
  while (left !== undefined) {
    if (sinceMs() > timeoutMs)
      throw new Failure(`${node} is still there after ${timeoutMs / 1_000} s, with ${count(left, "connection")}.`);
    // A pipe gets a line for each number, a terminal one line that changes.
    if (left !== said) write(`${terminal ? "\r\x1b[2K" : ""}${count(left, "connection")} left${terminal ? "" : "\n"}`);
    said = left;
    await sleep(lookMs);
    left = await connectionsOf(address, node, said);
  }
  write(`${terminal ? "\r\x1b[2K" : ""}${node} is gone, after ${(sinceMs() / 1_000).toFixed(1)} s\n`);
}

/** Undefined when the node is no longer listed. While the admin API cannot tell, it is as it was before. */
async function connectionsOf(address: AdminAddress, node: string, before?: number): Promise<number | undefined> {
  const answer = await getFromAdmin(address, "/v1/nodes");
  if (answer.status === 503 && before !== undefined) return before;
  if (answer.status !== 200) throw refusalOf(answer);
  return (answer.body as NodesPage).items.find((one) => one.node === node)?.connections;
}
