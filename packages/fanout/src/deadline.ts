import { type Clock, FanfareError } from "@fanfare/domain";

/** The promise's outcome, or `BROKER_UNAVAILABLE` when there is none in time. */
export function within<Value>(ms: number, promise: Promise<Value>, clock: Clock): Promise<Value> {
  return new Promise((resolve, reject) => {
    const callOff = clock.after(ms, () => reject(new FanfareError("BROKER_UNAVAILABLE")));
    promise.then(resolve, reject).finally(callOff);
  });
}
