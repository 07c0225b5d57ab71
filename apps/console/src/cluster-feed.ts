import type { LifecycleEvent, StatsSample } from "@fanfare/domain";
import { readEvents } from "./event-stream.ts";

/**
 * What listeners are told: what happens, the cluster's numbers each second, and how far to rely on it. After `live` and `gap`
 * anything may have happened that nobody was told; between `away` and `live` nobody is told anything.
 */
export type Told =
  | LifecycleEvent
  | ({ readonly type: "rates" } & StatsSample)
  | { readonly type: "live" }
  | { readonly type: "away" }
  | { readonly type: "gap" };

/** `GET /v1/events`, open while anybody listens and for a moment after, and opened again whenever it breaks. */
export interface ClusterFeed {
  readonly live: boolean;
  /** Calls back until the returned function is called. */
  listen(listener: (told: Told) => void): () => void;
}

export interface ClusterFeedOptions {
  /** The first wait before it is opened again; doubled up to {@link waitMaxMs}, and back to this once something came. */
  readonly waitMs?: number;
  /** Without a sign of life for so long, a connection is taken for dead. The server gives one each second. */
  readonly silentMs?: number;
  /** For so long it stays open when nobody listens: whoever asks for something else, or looks at another view, comes back. */
  readonly lingerMs?: number;
}

const waitMaxMs = 15_000;

/** `open` asks for what came after the event of this id, from now on without one. */
export function createClusterFeed(
  open: (lastId: string | undefined, signal: AbortSignal) => Promise<Response>,
  { waitMs = 500, silentMs = 20_000, lingerMs = 2_000 }: ClusterFeedOptions = {},
): ClusterFeed {
  const listeners = new Set<(told: Told) => void>();
  let live = false;
  /** Ends what is open; undefined: nothing is. */
  let ended: AbortController | undefined;
  let lingering: ReturnType<typeof setTimeout> | undefined;

  function tell(told: Told): void {
    for (const listener of [...listeners]) listener(told);
  }

  async function follow({ signal }: AbortController): Promise<void> {
    let lastId: string | undefined;
    for (let wait = waitMs; !signal.aborted; wait = Math.min(2 * wait, waitMaxMs)) {
      const connection = new AbortController();
      const leave = () => connection.abort();
      signal.addEventListener("abort", leave);
      let silence = setTimeout(leave, silentMs);
      // Not before something has come: a proxy that collects answers sends the headers, too.
      const alive = () => {
        clearTimeout(silence);
        silence = setTimeout(leave, silentMs);
        if (live || signal.aborted) return;
        live = true;
        tell({ type: "live" });
      };
      try {
        const response = await open(lastId, connection.signal);
        // A key that is good for nothing here is not better later; views that ask find out what that means.
        if (response.status === 401 || response.status === 403) return;
        if (response.ok && response.body !== null) {
          await readEvents(response.body, alive, ({ id, type, data }) => {
            wait = waitMs;
            lastId = id ?? lastId;
            tell({ ...JSON.parse(data), type });
          });
        }
      } catch {
        // The connection broke, or could not be made: both are followed by the next one.
      } finally {
        clearTimeout(silence);
        signal.removeEventListener("abort", leave);
        connection.abort();
      }
      if (live && !signal.aborted) {
        live = false;
        tell({ type: "away" });
      }
      // Spread, so that pages that lost the same server do not come back as one.
      await pause(wait * (0.5 + Math.random() / 2), signal);
    }
  }

  return {
    get live() {
      return live;
    },
    listen(listener) {
      listeners.add(listener);
      clearTimeout(lingering);
      if (ended === undefined) {
        ended = new AbortController();
        void follow(ended);
      }
      return () => {
        if (!listeners.delete(listener) || listeners.size > 0) return;
        lingering = setTimeout(() => {
          live = false;
          ended?.abort();
          ended = undefined;
        }, lingerMs);
      };
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
