import type { LifecycleEvent } from "../wire/lifecycle.ts";
import type { PageRequest, RegistryPage } from "./registry.ts";

/** Events that were to be delivered together and could not be. */
export interface DeadLetter {
  /** That of its first event. */
  readonly id: string;
  /** When it was given up for the last time, in milliseconds since 1970. */
  readonly at: number;
  readonly tries: number;
  /** What the last try ended with. */
  readonly error: string;
  readonly events: readonly LifecycleEvent[];
}

/**
 * How far the cluster's lifecycle log has been delivered to the application, who delivers it, and what could not be.
 *
 * One process leads at a time: it has a lease, and whoever has none changes nothing. A leader that is slow may still send what
 * its successor sends too, so whoever receives tells events apart by their ids. While the broker is away every verb rejects
 * with `BROKER_UNAVAILABLE`.
 */
export interface Deliveries {
  /**
   * Begins or renews the lease. `after`: the last event that was dealt with, undefined when there never was one. Undefined
   * when somebody else leads.
   */
  lead(holder: string, leaseMs: number): Promise<{ readonly after: string | undefined } | undefined>;

  /** Ends the lease, if it is this holder's. */
  resign(holder: string): Promise<void>;

  /**
   * Notes that everything up to this event is dealt with; in the same step puts down what could not be delivered. The oldest of
   * more than `limits.deadLettersMax` dead letters is forgotten. False, and nothing happens, when somebody else leads.
   */
  advance(holder: string, after: string, dead?: DeadLetter): Promise<boolean>;

  /** Dead letters, oldest first. */
  dead(page: PageRequest): Promise<RegistryPage<DeadLetter>>;

  /** Wants these to be tried again, or all of them. Resolves with how many there are. */
  revive(ids: readonly string[] | undefined): Promise<number>;

  /** One that is to be tried again. */
  due(): Promise<DeadLetter | undefined>;

  /** It is delivered. Idempotent. */
  settle(id: string): Promise<void>;

  /** It could not be delivered again. Nothing happens when it has been settled or forgotten. */
  bury(dead: DeadLetter): Promise<void>;
}
