import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { ClusterFeed } from "./cluster-feed.ts";
import type { Route } from "./routes.ts";
import { may, request, type Session } from "./session.ts";

/** What every view is given. */
export interface View {
  /** Where the Socket.IO server is. */
  readonly url: string;
  /** Where `fanfare up` kills nodes when asked; undefined on any other cluster. */
  readonly control: string | undefined;
  /** Behind the view's own name. */
  readonly route: Route;
  /** Undefined: nobody has signed in. */
  readonly session: Session | undefined;
  /** What happens in the cluster; undefined like the session. */
  readonly events: ClusterFeed | undefined;
  readonly signOut: () => void;
}

export const ViewContext = createContext<View | undefined>(undefined);

export function useView(): View {
  const view = useContext(ViewContext);
  if (view === undefined) throw new Error("outside of the console");
  return view;
}

/** Whether the key of this session is good for something. */
export function useMay(scope: string): boolean {
  const { session } = useView();
  return session !== undefined && may(session, scope);
}

/** Asks the admin API with the key of this session. */
export type Ask = <Answer>(method: string, path: string, body?: unknown, signal?: AbortSignal) => Promise<Answer>;

export function useAsk(): Ask {
  const key = useView().session?.key ?? "";
  return (method, path, body, signal) => request(key, method, path, body, signal);
}
