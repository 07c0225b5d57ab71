import { readFile, stat } from "node:fs/promises";
import { asFanfareError, type Clock, FanfareError } from "@fanfare/domain";
import { LiveRules } from "./live-rules.ts";
import { parseRules, type Rules } from "./rules.ts";

/**
 * How often the file is looked at. Looking beats listening here: editors, container platforms and network file systems
 * replace a file in ways (rename, symbolic links, whole folders) of which `fs.watch` tells some, on some systems.
 */
const lookMs = 1_000;

export interface RulesFileOptions {
  /** Absent: the rules that allow nothing, for good. */
  readonly path: string | undefined;
  readonly clock: Pick<Clock, "after">;
  readonly log: {
    info(fields: Readonly<Record<string, unknown>>, message: string): void;
    warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  };
  /** Told of every reload. */
  readonly reloaded?: (outcome: "loaded" | "refused") => void;
}

/** The rules of a file, kept as the file is. */
export interface RulesFile {
  readonly rules: Rules;
  /** Reads the file again, also when it looks unchanged. Never rejects. */
  reload(): Promise<void>;
  stop(): void;
}

/**
 * Opens a rules file. It is read again when it changes; one with mistakes is refused as a whole, and what held before holds
 * on. Rejects with `RULES_INVALID` when it cannot be used from the start.
 */
export async function openRulesFile({ path, clock, log, reloaded }: RulesFileOptions): Promise<RulesFile> {
  if (path === undefined) return { rules: parseRules({}), reload: async () => undefined, stop: () => undefined };
  let seen = await printOf(path);
  let text = await read(path);
  const live = new LiveRules(parseText(path, text));
  let stopped = false;
  let callOff = (): void => undefined;

  const load = async (always: boolean): Promise<void> => {
    try {
      const now = await read(path);
      if (!always && now === text) return;
      text = now;
      const rules = parseText(path, now);
      log.info({ path }, "rules reloaded");
      reloaded?.("loaded");
      live.replace(rules);
    } catch (thrown) {
      const { errors, message } = asFanfareError(thrown);
      log.warn({ path, mistakes: errors ?? message }, "rules not reloaded: those from before hold");
      reloaded?.("refused");
    }
  };
  /** What is seen twice in a row is no longer being written. */
  let changing = false;
  const look = async (): Promise<void> => {
    const now = await printOf(path);
    if (now !== seen) changing = true;
    else if (changing) {
      changing = false;
      await load(false);
    }
    seen = now;
    if (!stopped) callOff = clock.after(lookMs, look);
  };
  callOff = clock.after(lookMs, look);

  return {
    rules: live,
    reload: () => load(true),
    stop() {
      stopped = true;
      callOff();
    },
  };
}

/** Throws `RULES_INVALID`, also for a file that cannot be read or is not JSON. */
export async function loadRulesFile(path: string): Promise<Rules> {
  return parseText(path, await read(path));
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new FanfareError("RULES_INVALID", { cause, errors: [{ path, message: "cannot be read" }] });
  }
}

function parseText(path: string, text: string): Rules {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FanfareError("RULES_INVALID", { cause, errors: [{ path, message: "is not JSON" }] });
  }
  return parseRules(value);
}

/** Tells one state of the file from another, as far as the file system can. */
async function printOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return "none";
  }
}
