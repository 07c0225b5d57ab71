import type { Publication } from "@fanfare/client";
import { channelName, formatPosition, limits, parsePosition } from "@fanfare/domain";
import { Command, InvalidArgumentError } from "commander";
import { publicUrlOf } from "../addresses.ts";
import { colorsFor } from "../colors.ts";
import { settingsFrom, withSettings } from "../settings.ts";
import { onStop } from "../stop.ts";
import { follow } from "../tail/follow.ts";

const pc = colorsFor(process.stdout);

interface TailFlags {
  readonly since?: ReturnType<typeof parsePosition>;
  readonly rewind?: number;
  readonly token?: string;
  readonly json?: true;
}

export function tailCommand(): Command {
  const command = new Command("tail")
    .description("print what is published, as it comes; JSON lines when piped")
    .argument("<channel...>", "what to follow")
    .option("--since <epoch:offset>", "start behind this position", position)
    .option("--rewind <n>", "start with the last n publications", count)
    .option("--token <jwt>", "connect with this token")
    .option("--json", "a line of JSON each, as when piped");
  return withSettings(command, "client").action(async (channels: string[], { since, rewind, token, json }: TailFlags) => {
    const url = publicUrlOf(settingsFrom(command));
    const lineOf = (json ?? !process.stdout.isTTY) ? JSON.stringify : readable;
    const following = follow({
      url,
      token,
      channels: channels.map(channelName),
      since,
      rewind,
      onPublication: (publication) => process.stdout.write(`${lineOf(publication)}\n`),
      onNotice: (text) => process.stderr.write(`${pc.dim(`# ${text}`)}\n`),
    });
    onStop(async () => following.close());
    await following.failed;
  });
}

function readable(publication: Publication): string {
  const { channel, event, data, at } = publication;
  const time = new Date(at).toISOString().slice(11, 23);
  return `${pc.dim(time)} ${pc.cyan(channel)} ${pc.dim(formatPosition(publication))} ${pc.bold(event)} ${JSON.stringify(data)}`;
}

function position(text: string) {
  try {
    return parsePosition(text);
  } catch {
    throw new InvalidArgumentError("A position is epoch:offset, as publish and tail print it.");
  }
}

function count(text: string): number {
  const number = Number(text);
  if (/^[1-9][0-9]*$/.test(text) && number <= limits.historyLimitMax) return number;
  throw new InvalidArgumentError(`Give a whole number from 1 to ${limits.historyLimitMax}.`);
}
