import type { LifecycleEvent } from "@fanfare/domain";
import { readEvents, type StreamEvent } from "./event-stream.ts";

/**
 * Reads the log to its end, in as many requests as the server wants: each reads so much and says with `more` where to go on.
 * Resolves with whether it got there; a server that refuses has told what it told.
 */
export async function readPast(
  open: (after: string) => Promise<Response>,
  start: string,
  tell: (event: LifecycleEvent) => void,
): Promise<boolean> {
  for (let after: string | undefined = start; after !== undefined; ) {
    const { ok, body } = await open(after);
    if (!ok || body === null) return false;
    const events: StreamEvent[] = [];
    await readEvents(
      body,
      () => undefined,
      (event) => events.push(event),
    );
    // Without an id is `gap`: as far back as the log reaches, it was told.
    for (const { id, type, data } of events) if (id !== undefined && type !== "more") tell(JSON.parse(data));
    after = events.find(({ type }) => type === "more")?.id;
  }
  return true;
}
