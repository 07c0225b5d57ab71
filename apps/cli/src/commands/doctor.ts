import { Command, InvalidArgumentError } from "commander";
import { adminUrlOf } from "../addresses.ts";
import { getFromAdmin, refusalOf } from "../admin-client.ts";
import { examine } from "../doctor/examine.ts";
import type { ListedNode } from "../doctor/rows-spread.ts";
import { type Finding, findingText, hasFault, verdictText } from "../findings.ts";
import { leave } from "../leave.ts";
import { examineRedis } from "../redis/examine.ts";
import { settingsFrom, withSettings } from "../settings.ts";
import { seconds } from "./token.ts";

interface DoctorFlags {
  readonly origin?: string;
  readonly token?: string;
  readonly idle?: number;
  readonly redis?: string;
  readonly json?: true;
  readonly strict?: true;
}

/** The longest name of a row. */
const rowWidth = 11;

export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("look at a deployment from outside, through its public balancer, and say what is wrong with it")
    .argument("<url>", "as clients are given it; a path is the prefix that Fanfare is under", webUrl)
    .option("--origin <url>", "also see whether pages of this origin may connect")
    .option("--token <jwt>", "connect with this token")
    .option(
      "--idle <time>",
      "how long silence is tried, at most 60s; 0 leaves it out (default: as long as clients may be silent)",
      idleTime,
    )
    .option("--redis <url>", "also look at the cluster's Redis")
    .option("--strict", "end with 1 for warnings too")
    .option("--json", "print one JSON document");
  return withSettings(command, "client").action(async (url: string, flags: DoctorFlags) => {
    const { origin, token, idle, redis, json = false, strict = false } = flags;
    const nodes = await listedNodes(command);
    const findings: Finding[] = [];
    const tell = (finding: Finding) => {
      findings.push(finding);
      if (!json) process.stdout.write(findingText(finding, rowWidth));
    };
    for await (const finding of examine({ url, token, origin, idleMs: idle, nodes })) tell(finding);
    if (redis !== undefined) for (const finding of await examineRedis(redis)) tell(finding);
    process.stdout.write(
      json ? `${JSON.stringify({ url, good: !hasFault(findings, strict), findings }, null, 2)}\n` : `\n${verdictText(findings)}`,
    );
    await leave(hasFault(findings, strict) ? 1 : 0);
  });
}

/** Only asked for when somebody has said where, or with which key. */
async function listedNodes(command: Command): Promise<readonly ListedNode[] | undefined> {
  const settings = settingsFrom(command);
  if (settings.adminUrl === undefined && settings.adminKey === undefined) return undefined;
  const answer = await getFromAdmin({ url: adminUrlOf(settings), key: settings.adminKey }, "/v1/nodes");
  if (answer.status !== 200) throw refusalOf(answer);
  return (answer.body as { readonly items: readonly ListedNode[] }).items;
}

function webUrl(text: string): string {
  if (URL.canParse(text) && /^(https?|wss?):$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError("Give an address such as https://realtime.example.com.");
}

function idleTime(text: string): number {
  const time = text === "0" ? 0 : seconds(text);
  if (time <= 60) return time * 1_000;
  throw new InvalidArgumentError("Nodes bear 60 s of it.");
}
