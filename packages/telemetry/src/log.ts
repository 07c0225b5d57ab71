import { createRequire } from "node:module";
import { pino } from "pino";

/** Constant messages plus fields. error = page someone, warn = look this week, info = lifecycle, debug = off. */
export type Log = pino.Logger;

export type LogLevel = pino.LevelWithSilent;

export interface LogOptions {
  /** The app: gateway, admin, … */
  readonly name: string;
  readonly level: LogLevel;
  /** Put on every line. */
  readonly node?: string | undefined;
  /** For people instead of machines; by default when stdout is a terminal. */
  readonly pretty?: boolean | undefined;
  /** Where lines go instead of stdout. */
  readonly destination?: pino.DestinationStream | undefined;
}

/** Fields whose value never reaches a log, as a field of its own or up to two objects deep. */
const secretFields = [
  "adminKey",
  "adminKeys",
  "authorization",
  "authorizeSecret",
  "clusterSecret",
  "cookie",
  "password",
  "redisUrl",
  "secret",
  "token",
  "tokenSecret",
] as const;

/**
 * JSON lines on stdout. They are written synchronously: the line that says why a process ends must not be lost with it,
 * and what repeats per message is a counter, so there are few.
 */
export function createLog({ name, level, node, pretty, destination }: LogOptions): Log {
  const options: pino.LoggerOptions = {
    level,
    base: { name, ...(node === undefined ? {} : { node }) },
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: censored },
  };
  const stdout = destination ?? pino.destination({ dest: 1, sync: true });
  return pino(options, (pretty ?? process.stdout.isTTY ?? false) ? prettyOn(stdout) : stdout);
}

/**
 * Formats every line where it is written: pino-pretty's own streams may hold the last ones back when the process ends. Loaded
 * only for people: to a machine it would be a tenth of the time in which a node starts.
 */
function prettyOn(destination: pino.DestinationStream): pino.DestinationStream {
  const { prettyFactory } = createRequire(import.meta.url)("pino-pretty") as typeof import("pino-pretty");
  const format = prettyFactory({ singleLine: true, translateTime: "SYS:HH:MM:ss.l" });
  return { write: (line) => destination.write(format(line)) };
}

/** Says that there is one, not what it is. */
function censored(value: unknown): string | undefined {
  return value === undefined ? undefined : "set";
}
