import { text } from "node:stream/consumers";
import { channelName, payloadOfText, writtenTraceParent } from "@fanfare/domain";
import { Command } from "commander";
import { adminUrlOf } from "../addresses.ts";
import { postToAdmin, refusalOf } from "../admin-client.ts";
import { colorsFor } from "../colors.ts";
import { settingsFrom, withSettings } from "../settings.ts";

const pc = colorsFor(process.stdout);

interface PublishFlags {
  readonly event?: string;
  readonly id?: string;
  readonly traceparent?: string;
  readonly json?: true;
}

export function publishCommand(): Command {
  const command = new Command("publish")
    .description("publish to a channel through the admin API")
    .argument("<channel>", "where to")
    .argument("<json>", "what: any JSON, sent to the byte; - reads it from stdin")
    .option("--event <name>", "the event that subscribers receive, by default message")
    .option("--id <id>", "makes a retry safe: the same id is stored once")
    .option("--traceparent <context>", "W3C Trace Context, for subscribers where the channel's rules have `trace`")
    .option("--json", "print the whole answer as JSON, as when piped");
  return withSettings(command, "client").action(async (channel: string, json: string, flags: PublishFlags) => {
    const settings = settingsFrom(command);
    const address = { url: adminUrlOf(settings), key: settings.adminKey };
    const body = publishBody(channel, json === "-" ? await text(process.stdin) : json, flags);
    const answer = await postToAdmin(address, "/v1/publish", body);
    if (answer.status !== 200) throw refusalOf(answer);
    const asJson = flags.json ?? !process.stdout.isTTY;
    process.stdout.write(`${asJson ? JSON.stringify(answer.body) : publishedLine(answer.body)}\n`);
  });
}

/** Put together as text: parsing and printing `data` again would change big integers and the spelling of escapes. */
export function publishBody(channel: string, json: string, { event, id, traceparent }: PublishFlags): string {
  payloadOfText(json);
  writtenTraceParent(traceparent);
  const rest = JSON.stringify({ channel: channelName(channel), event, id, traceparent });
  return `${rest.slice(0, -1)},"data":${json.trim()}}`;
}

function publishedLine(answer: unknown): string {
  const { channel, epoch, offset, duplicate } = answer as { channel: string; epoch: string; offset: number; duplicate: boolean };
  return `${channel} ${pc.bold(`${epoch}:${offset}`)}${duplicate ? pc.dim(" (was already stored)") : ""}`;
}
