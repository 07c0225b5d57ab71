import type { Clock } from "@fanfare/domain";

const lookMs = 500;
/** A blink is nobody's business: what it hid is filled in before anyone asks. */
const patienceMs = 2_000;

export interface DegradationParts {
  readonly clock: Clock;
  /** Whether publications reach this node now. */
  flowing(): boolean;
  /** Says it to every client of this node. */
  tell(notice: "fanfare:degraded" | "fanfare:restored"): void;
}

/**
 * Tells clients when publications have not reached this node for a while, and when they do again. Nothing is lost
 * meanwhile; a page may want to show that what it shows is not of this moment. The returned function ends that.
 */
export function tellDegradation({ clock, flowing, tell }: DegradationParts): () => void {
  let sinceMs: number | undefined;
  let told = false;
  let stop = (): void => undefined;
  const look = (): void => {
    if (flowing()) {
      sinceMs = undefined;
      if (told) tell("fanfare:restored");
      told = false;
    } else {
      sinceMs ??= clock.monotonic();
      if (!told && clock.monotonic() - sinceMs >= patienceMs) {
        told = true;
        tell("fanfare:degraded");
      }
    }
    stop = clock.after(lookMs, look);
  };
  look();
  return () => stop();
}
