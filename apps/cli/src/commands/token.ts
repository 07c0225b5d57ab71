import { signToken } from "@fanfare/access";
import { FanfareError } from "@fanfare/domain";
import { Command, InvalidArgumentError, Option } from "commander";
import { settingsFrom, withSettings } from "../settings.ts";

interface TokenFlags {
  readonly user?: string;
  readonly channels?: readonly string[];
  readonly publish?: readonly string[];
  readonly join?: readonly string[];
  readonly ttl: number;
}

export function tokenCommand(): Command {
  const command = new Command("token")
    .description("print a client token (JWT) signed with FANFARE_TOKEN_SECRET")
    .option("--user <id>", "whose it is")
    .option("--channels <a,b>", "channels, or namespace:*, that it may subscribe to", list)
    .option("--publish <a,b>", "channels, or namespace:*, that it may publish to", list)
    .option("--join <a,b>", "channels that are subscribed to at once", list)
    .addOption(timeOption("--ttl <time>", "how long it is valid: 90s, 15m, 1h, 1d", "1h"));
  return withSettings(command, "token").action(async ({ ttl, ...claims }: TokenFlags) => {
    const { tokenSecret, tokenTtlMaxMs } = settingsFrom(command);
    if (tokenSecret === undefined) {
      throw new FanfareError("SETTINGS_INVALID", {
        errors: [{ path: "FANFARE_TOKEN_SECRET", message: "is needed to sign with, or --token-secret-file" }],
      });
    }
    const token = await signToken({ ...claims, secret: tokenSecret, ttlSeconds: ttl, ttlMaxMs: tokenTtlMaxMs });
    process.stdout.write(`${token}\n`);
  });
}

function list(text: string): string[] {
  return text.split(",").filter((item) => item !== "");
}

/** An option that is a time, whose default the help shows as people write it. */
export function timeOption(flags: string, description: string, standard: string): Option {
  return new Option(flags, description).argParser(seconds).default(seconds(standard), standard);
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** `90s`, `15m`, `1h`, `7d` or plain seconds. */
export function seconds(text: string): number {
  const match = /^([1-9][0-9]{0,8})([smhd]?)$/.exec(text);
  const unit = unitSeconds[match?.[2] || "s"];
  if (match === null || unit === undefined) throw new InvalidArgumentError("Give a time such as 90s, 15m, 1h or 7d.");
  return Number(match[1]) * unit;
}
