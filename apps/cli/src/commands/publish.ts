import { text } from "node:stream/consumers";
import { asFanfareError, channelName, type Published, payloadOfText, writtenTraceParent } from "@fanfare/domain";
import { Command } from "commander";
import { adminUrlOf } from "../addresses.ts";
import { type AdminAddress, postToAdmin, refusalOf } from "../admin-client.ts";
import { colorsFor } from "../colors.ts";
import { Failure } from "../failure.ts";
import { receiptText } from "../receipt/page.ts";
import { waitForReceipt } from "../receipt/wait.ts";
import { settingsFrom, withSettings } from "../settings.ts";
import { timeOption } from "./token.ts";

const pc = colorsFor(process.stdout);

interface PublishFlags {
  readonly event?: string;
  readonly id?: string;
  readonly traceparent?: string;
  readonly receipt?: true;
  readonly wait: number;
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
    .option("--receipt", "wait until every node has said how many got it, and print it")
    .addOption(timeOption("--wait <time>", "how long to wait for the receipt at most", "15s"))
    .option("--json", "print the whole answer as JSON, as when piped");
  return withSettings(command, "client").action(async (channel: string, json: string, flags: PublishFlags) => {
    const settings = settingsFrom(command);
    const address = { url: adminUrlOf(settings), key: settings.adminKey };
    const body = publishBody(channel, json === "-" ? await text(process.stdin) : json, flags);
    const asJson = flags.json ?? !process.stdout.isTTY;
    const answer = await postToAdmin(address, `/v1/publish${flags.receipt ? "?receipt=true" : ""}`, body);
    if (answer.status !== 200) throw refusalOf(answer);
    const published = answer.body as Published;
    // Before it is waited for: what is stored is stored, whatever becomes of its receipt.
    if (!(asJson && flags.receipt)) process.stdout.write(`${asJson ? JSON.stringify(published) : publishedLine(published)}\n`);
    if (flags.receipt) await printReceipt(address, published, flags.wait * 1_000, asJson);
  });
}

/** Put together as text: parsing and printing `data` again would change big integers and the spelling of escapes. */
export function publishBody(
  channel: string,
  json: string,
  { event, id, traceparent }: Pick<PublishFlags, "event" | "id" | "traceparent">,
): string {
  payloadOfText(json);
  writtenTraceParent(traceparent);
  const rest = JSON.stringify({ channel: channelName(channel), event, id, traceparent });
  return `${rest.slice(0, -1)},"data":${json.trim()}}`;
}

/**
 * As JSON it is one object: what was published, with the whole receipt in place of where to read it. The address stays where
 * the receipt cannot be read.
 */
async function printReceipt(address: AdminAddress, published: Published, waitMs: number, asJson: boolean): Promise<void> {
  const { receipt: path } = published;
  const failed = (thrown: unknown): never => {
    if (asJson) process.stdout.write(`${JSON.stringify(published)}\n`);
    throw unread(path, thrown);
  };
  const receipt = typeof path === "string" ? await waitForReceipt(address, path, waitMs).catch(failed) : undefined;
  if (asJson) process.stdout.write(`${JSON.stringify({ ...published, receipt: receipt ?? false })}\n`);
  else process.stdout.write(receipt === undefined ? pc.yellow("it has no receipt\n") : receiptText(receipt, pc));
}

/** Told apart from a publish that failed: a script that took it for one, and had given no id, would publish twice. */
function unread(path: Published["receipt"], thrown: unknown): Failure {
  const { message, code, cause } = thrown instanceof Failure ? thrown : asFanfareError(thrown);
  return new Failure(`It is published, but its receipt ${path} could not be read: ${message}`, { code, cause, exitCode: 3 });
}

function publishedLine({ channel, epoch, offset, duplicate }: Published): string {
  return `${channel} ${pc.bold(`${epoch}:${offset}`)}${duplicate ? pc.dim(" (was already stored)") : ""}`;
}
