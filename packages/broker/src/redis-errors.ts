import { FanfareError } from "@fanfare/domain";

/** The code of an error that Redis answered. Scripts of Redis 6 put theirs behind "… @user_script: 41: -". */
const redisCode = /^(?:ERR Error running script .*?@user_script: ?[0-9]+: -?)?([A-Z]+) /s;

/** Redis answered, but it cannot do its work now: another primary, its boot, its disk, its access list. */
const awayCodes: ReadonlySet<string> = new Set([
  "ASK",
  "BUSY",
  "CLUSTERDOWN",
  "LOADING",
  "MASTERDOWN",
  "MISCONF",
  "MOVED",
  "NOAUTH",
  "NOPERM",
  "NOREPLICAS",
  "READONLY",
  "TRYAGAIN",
  "UNKILLABLE",
  "WRONGPASS",
]);

/** What went wrong at Redis as an error of the catalogue, with its cause. */
export function asBrokerError(thrown: unknown): FanfareError {
  if (thrown instanceof FanfareError) return thrown;
  // A TypeError is ours: no network makes one.
  if (!(thrown instanceof Error) || thrown instanceof TypeError) return new FanfareError("INTERNAL", { cause: thrown });
  // Everything but an answer of Redis is about the connection: refused, closed, reset, timed out.
  if (thrown.name !== "ReplyError") return new FanfareError("BROKER_UNAVAILABLE", { cause: thrown });
  const code = redisCode.exec(thrown.message)?.[1] ?? "";
  if (code === "OOM") return new FanfareError("BROKER_FULL", { cause: thrown });
  return new FanfareError(awayCodes.has(code) ? "BROKER_UNAVAILABLE" : "INTERNAL", { cause: thrown });
}
