import { makeAdminKey } from "@fanfare/access";
import { Command } from "commander";
import { seconds } from "./token.ts";

interface KeyFlags {
  readonly scopes?: readonly string[];
  readonly until?: string;
  readonly ttl?: number;
  readonly json?: true;
}

export function keyCommand(): Command {
  return new Command("key")
    .description("make an admin key: its secret, once, and the line for FANFARE_ADMIN_KEYS")
    .argument("<name>", "whose it is, for logs")
    .option("--scopes <a,b>", "publish, publish:news:*, read, connections, nodes, keys; none is all", list)
    .option("--until <day>", "its last day, 2027-01-31, or an instant, 2027-01-31T12:00Z")
    .option("--ttl <time>", "how long it is valid instead: 12h, 90d", seconds)
    .option("--json", "print { name, secret, line }")
    .action((name: string, { scopes, until, ttl, json }: KeyFlags, command: Command) => {
      if (until !== undefined && ttl !== undefined) command.error("error: give --until or --ttl, not both");
      const end = ttl === undefined ? until : new Date(Date.now() + ttl * 1_000).toISOString().replace(/\.\d+/, "");
      const { secret, line } = makeAdminKey({ name, scopes: scopes ?? [], until: end });
      process.stdout.write(json === true ? `${JSON.stringify({ name, secret, line })}\n` : page(secret, line));
    });
}

function page(secret: string, line: string): string {
  return `Secret, shown only now; callers send it as "Authorization: Bearer …":
  ${secret}
Add to FANFARE_ADMIN_KEYS, which is a comma-separated list:
  ${line}
`;
}

function list(text: string): string[] {
  return text.split(",").filter((item) => item !== "");
}
