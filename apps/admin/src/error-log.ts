import type { ErrorCode, FanfareError } from "@fanfare/domain";
import type { Log } from "@fanfare/telemetry";

/** One line per code and this long, however many requests fail. */
const everyMs = 10_000;

/**
 * Logs what went wrong at the level of its band. What is not the caller's fault repeats with every request while it lasts,
 * so a line stands for all of the same code since the last one and says how many there were.
 */
export function createErrorLog(log: Log): (error: FanfareError, requestId: string, route: string | undefined) => void {
  const muted = new Map<ErrorCode, { untilMs: number; count: number }>();
  return (error, requestId, route) => {
    const { code, band } = error;
    if (band === "caller") {
      log.debug({ code, requestId, route, detail: error.message }, "request refused");
      return;
    }
    const now = performance.now();
    const last = muted.get(code);
    if (last !== undefined && now < last.untilMs) {
      last.count++;
      return;
    }
    muted.set(code, { untilMs: now + everyMs, count: 0 });
    const fields = { code, requestId, route, err: error, alsoSinceLastLine: last?.count ?? 0 };
    if (band === "bug") log.error(fields, "request failed");
    else if (band === "dependency") log.warn(fields, "request failed");
    else log.info(fields, "request put off");
  };
}
