import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { adminUrlOf } from "../addresses.ts";
import { type AdminAddress, getFromAdmin, postToAdmin, refusalOf } from "../admin-client.ts";
import { settingsFrom, withSettings } from "../settings.ts";

interface DrainFlags {
  readonly wait?: boolean;
}

/** Between two looks at whether the node is still there. */
const lookMs = 250;

export function drainCommand(): Command {
  const command = new Command("drain")
    .description("move a node's clients to the others and end it")
    .argument("<node>", "its name, as GET /v1/nodes lists it")
    .option("--wait", "return only when the node is gone");
  return withSettings(command, "client").action(async (node: string, { wait = false }: DrainFlags) => {
    const settings = settingsFrom(command);
    const address = { url: adminUrlOf(settings), key: settings.adminKey };
    const answer = await postToAdmin(address, `/v1/nodes/${encodeURIComponent(node)}/drain`, "{}");
    if (answer.status !== 202) throw refusalOf(answer);
    process.stdout.write(`${node} is draining\n`);
    if (!wait) return;
    while (await isThere(address, node)) await sleep(lookMs);
    process.stdout.write(`${node} is gone\n`);
  });
}

async function isThere(address: AdminAddress, node: string): Promise<boolean> {
  const answer = await getFromAdmin(address, "/v1/nodes");
  if (answer.status !== 200) throw refusalOf(answer);
  const { items } = answer.body as { readonly items: readonly { readonly node: string }[] };
  return items.some((one) => one.node === node);
}
