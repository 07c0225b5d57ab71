import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Command, type Redis } from "ioredis";

export type Argument = string | number;

/** What a script is called with, in the order of the names in its header. */
export interface ScriptShape<Key extends string = string, Arg extends string = string> {
  readonly keys: readonly Key[];
  readonly args: readonly Arg[];
  /** Names of keys and arguments that may come again and again behind the others. */
  readonly repeatedKeys?: readonly string[];
  readonly repeatedArgs?: readonly string[];
}

interface ScriptCall<Key extends string, Arg extends string> {
  readonly keys: Readonly<Record<Key, string>>;
  readonly args: Readonly<Record<Arg, Argument>>;
  readonly moreKeys?: readonly string[];
  readonly moreArgs?: readonly Argument[];
}

export interface Script<Key extends string = string, Arg extends string = string> {
  readonly name: string;
  readonly shape: ScriptShape<Key, Arg>;
  run(client: Redis, call: ScriptCall<Key, Arg>): Promise<unknown>;
}

/** Where the scripts are: beside `src` and `dist` alike. */
export const scriptsFolder = new URL("../lua/", import.meta.url);

function script<const Key extends string, const Arg extends string>(
  name: string,
  shape: ScriptShape<Key, Arg>,
): Script<Key, Arg> {
  const text = readFileSync(new URL(`${name}.lua`, scriptsFolder), "utf8");
  // SHA-1 is not a choice: it is the name that Redis gives a script.
  const sha = createHash("sha1").update(text).digest("hex");
  return {
    name,
    shape,
    async run(client, { keys, args, moreKeys = [], moreArgs = [] }) {
      const keyCount = shape.keys.length + moreKeys.length;
      const operands = [
        keyCount,
        ...shape.keys.map((key) => keys[key]),
        ...moreKeys,
        ...shape.args.map((arg) => args[arg]),
        ...moreArgs,
      ];
      const whole = async (): Promise<unknown> => client.sendCommand(new WireCommand("eval", [text, ...operands]));
      const sent = sentOver(client);
      try {
        if (sent.has(sha)) return await client.sendCommand(new WireCommand("evalsha", [sha, ...operands]));
        sent.add(sha);
        return await whole();
      } catch (thrown) {
        // SCRIPT FLUSH. Nothing ran, so it is safe to run it now.
        if (thrown instanceof Error && thrown.message.startsWith("NOSCRIPT")) return whole();
        // A Redis that is loading its data, or may not write, refuses without a look at the script.
        sent.delete(sha);
        throw thrown;
      }
    },
  };
}

const sentBy = new WeakMap<Redis, Set<string>>();

/**
 * The scripts that went out whole over a client's connection of the moment. Redis may have forgotten all others with a restart or a
 * failover. Were that found out by asking for them by name, several that are sent at once would be run in another order.
 */
function sentOver(client: Redis): Set<string> {
  const known = sentBy.get(client);
  if (known !== undefined) return known;
  const sent = new Set<string>();
  sentBy.set(client, sent);
  client.on("close", () => sent.clear());
  return sent;
}

/** A command whose arguments are written already. ioredis would copy and measure hundreds of them several times over. */
class WireCommand extends Command {
  readonly #wire: string;

  constructor(name: string, args: readonly Argument[]) {
    super(name, [], { replyEncoding: "utf8" });
    this.#wire = `*${args.length + 1}\r\n${wireOf(name)}${args.map(wireOf).join("")}`;
  }

  override toWritable(): string {
    return this.#wire;
  }
}

/** A bulk string as Redis's protocol writes it. */
function wireOf(argument: Argument): string {
  const text = String(argument);
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

/** The scripts of lua/, read once. A test holds each header equal to what stands here. */
export const scripts = {
  publish: script("publish", {
    keys: ["seq"],
    args: ["candidate", "idLife", "kind", "together"],
    repeatedKeys: ["meta", "log", "id"],
    repeatedArgs: [
      "keep",
      "logLife",
      "metaLife",
      "fingerprint",
      "name",
      "event",
      "data",
      "binary",
      "except",
      "ttl",
      "trace",
      "receipt",
      "topic",
      "head",
      "before",
      "after",
      "tail",
    ],
  }),
  read: script("read", { keys: ["meta", "log"], args: ["from", "edge", "limit", "keep", "bytes", "logLife"] }),
  open: script("open", { keys: [], repeatedKeys: ["meta", "log"], args: ["candidate", "metaLife"] }),
  renew: script("renew", { keys: ["meta", "log"], args: ["epoch", "candidate", "metaLife"] }),
  purge: script("purge", { keys: ["log"], args: [] }),
  lease: script("lease", { keys: ["node", "nodes"], args: ["name", "record", "lease"] }),
  quota: script("quota", {
    keys: [],
    repeatedKeys: ["quota"],
    args: ["node", "max", "life"],
    repeatedArgs: ["wanted"],
  }),
  "save-session": script("save-session", { keys: ["session"], args: ["node", "turn", "record", "life"] }),
  "receipts-write": script("receipts-write", {
    keys: ["lives", "order"],
    repeatedKeys: ["receipt"],
    args: ["who", "seqs", "life"],
    repeatedArgs: ["epoch", "seq", "counts"],
  }),
  revoke: script("revoke", { keys: ["ends", "texts", "state"], args: ["id", "text", "end", "life", "max"] }),
  unrevoke: script("unrevoke", { keys: ["ends", "texts", "state"], args: ["id"] }),
  revocations: script("revocations", { keys: ["texts", "state"], args: ["known"] }),
  "schedule-add": script("schedule-add", {
    keys: ["order", "abouts", "plans", "count", "known"],
    args: ["at", "nonce", "about", "plan", "fingerprint", "life", "max"],
  }),
  "schedule-take": script("schedule-take", {
    keys: ["order", "taken", "plans"],
    args: ["overdue", "limit", "lease"],
  }),
  "schedule-remove": script("schedule-remove", { keys: ["order", "taken", "abouts", "plans"], args: ["name"] }),
  "schedule-done": script("schedule-done", { keys: ["taken", "abouts", "plans"], args: [], repeatedArgs: ["name"] }),
  "claim-session": script("claim-session", { keys: ["session"], args: ["node", "life"] }),
  "lifecycle-append": script("lifecycle-append", {
    keys: ["log", "last", "occupied"],
    args: ["batch", "keep", "life"],
    repeatedArgs: ["verb", "channel", "text"],
  }),
  "presence-apply": script("presence-apply", {
    keys: ["meta", "members", "users", "owned", "owners"],
    args: ["owner", "name", "stays", "membersMax", "emptyLife", "kind", "topic"],
    repeatedArgs: ["verb", "id", "turn", "user", "since", "text"],
  }),
  "presence-sweep": script("presence-sweep", {
    keys: ["meta", "members", "users", "owned", "owners"],
    args: ["owner", "name", "reason", "membersMax", "emptyLife", "kind", "topic", "cursor", "count"],
  }),
  "presence-beat": script("presence-beat", { keys: ["owners"], args: ["owner", "lease", "state", "claim"] }),
  "presence-read": script("presence-read", { keys: ["meta", "members", "users"], args: ["membersMax"] }),
  "registry-write": script("registry-write", {
    keys: ["registry"],
    args: ["node", "after", "stamp", "lease", "complete", "gone"],
    repeatedArgs: ["goneId", "id", "turn", "user", "channels", "about", "unsent"],
  }),
  "registry-claim": script("registry-claim", { keys: ["registry"], args: ["node", "stamp", "lease"] }),
  "registry-end": script("registry-end", { keys: ["registry"], args: ["node", "stamp"] }),
  "webhook-lead": script("webhook-lead", { keys: ["lease", "after"], args: ["holder", "life"] }),
  "webhook-resign": script("webhook-resign", { keys: ["lease"], args: ["holder"] }),
  "webhook-advance": script("webhook-advance", {
    keys: ["lease", "after", "dead", "order", "due"],
    args: ["holder", "id", "letter", "place", "text", "max"],
  }),
  "webhook-bury": script("webhook-bury", { keys: ["dead", "due"], args: ["id", "place", "text"] }),
} as const;
