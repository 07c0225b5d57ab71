import { type Authorizer, createAuthorizer } from "@fanfare/access";
import type { Settings } from "@fanfare/config";
import { systemClock } from "@fanfare/domain";
import type { Log, Metrics } from "@fanfare/telemetry";

/** Undefined when no application is to be asked. Throws `SETTINGS_INVALID`. */
export function openAuthorizer(
  { authorizeUrl: url, authorizeSecret: secret }: Pick<Settings, "authorizeUrl" | "authorizeSecret">,
  log: Log,
  metrics: Metrics,
): Authorizer | undefined {
  if (url === undefined || secret === undefined) return undefined;
  let failing = false;
  return createAuthorizer({
    url,
    secret,
    clock: systemClock,
    asked(action, outcome, cause) {
      metrics.authorizeRequests.inc({ action, outcome });
      // A line when it begins and one when it is over; each single failure is counted.
      if (outcome === "failed" && !failing) log.warn({ err: cause }, "the application does not answer: nothing new is allowed");
      if (failing && (outcome === "allowed" || outcome === "refused")) log.info("the application answers again");
      if (outcome !== "held") failing = outcome === "failed";
    },
  });
}
