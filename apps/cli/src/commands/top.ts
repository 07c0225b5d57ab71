import { Command } from "commander";
import { adminUrlOf } from "../addresses.ts";
import { colorsFor } from "../colors.ts";
import { leave } from "../leave.ts";
import { settingsFrom, withSettings } from "../settings.ts";
import { live } from "../top/live.ts";
import { topPage } from "../top/page.ts";
import { look } from "../top/view.ts";
import { timeOption } from "./token.ts";

interface TopFlags {
  readonly every: number;
  readonly once?: boolean;
  readonly json?: boolean;
}

const ctrlC = "\u0003";

export function topCommand(): Command {
  const command = new Command("top")
    .description("watch the cluster: nodes, rates, latency, slow connections; one look when piped")
    .addOption(timeOption("--every <time>", "between two looks", "2s"))
    .option("--once", "look once, also on a terminal")
    .option("--json", "look once and print { stats, nodes, slow } as JSON");
  return withSettings(command, "client").action(async ({ every, once = false, json = false }: TopFlags) => {
    const settings = settingsFrom(command);
    const address = { url: adminUrlOf(settings), key: settings.adminKey };
    const ink = colorsFor(process.stdout);
    if (once || json || !process.stdout.isTTY) {
      const view = await look(address);
      process.stdout.write(json ? `${JSON.stringify(view)}\n` : `${topPage(view, [], ink).join("\n")}\n`);
      return;
    }
    // A wrong key or address is said before the screen is taken.
    await look(address);
    const stop = new AbortController();
    const end = () => stop.abort();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, end);
    if (process.stdin.isTTY) {
      process.stdin.setRawMode(true).on("data", (key: Buffer) => ["q", "Q", ctrlC].includes(key.toString()) && end());
    }
    const write = (text: string) => void process.stdout.write(text);
    await live({ look: () => look(address), everyMs: every * 1_000, ink, stop: stop.signal, write });
    await leave(0);
  });
}
