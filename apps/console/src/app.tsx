import type { ComponentType } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { createClusterFeed } from "./cluster-feed.ts";
import { Header } from "./parts/header.tsx";
import { Login } from "./parts/login.tsx";
import { useRoute } from "./routes.ts";
import { openEvents, type Session, storeKey } from "./session.ts";
import { type View, ViewContext } from "./view.ts";

interface Entry {
  readonly name: string;
  readonly title: string;
  /** Whether it shows nothing without a key. */
  readonly locked: boolean;
  readonly load: () => Promise<{ default: ComponentType }>;
}

/** In the order of the navigation. */
const entries: readonly Entry[] = [
  { name: "live", title: "Live", locked: true, load: () => import("./views/live.tsx") },
  { name: "demo", title: "Demo", locked: false, load: () => import("./views/demo.tsx") },
  { name: "channels", title: "Channels", locked: true, load: () => import("./views/channels.tsx") },
  { name: "connections", title: "Connections", locked: true, load: () => import("./views/connections.tsx") },
  { name: "nodes", title: "Nodes", locked: true, load: () => import("./views/nodes.tsx") },
  { name: "access", title: "Keys & rules", locked: true, load: () => import("./views/access.tsx") },
  { name: "snippets", title: "Snippets", locked: false, load: () => import("./views/snippets.tsx") },
];

interface AppProps {
  readonly url: string;
  readonly control: string | undefined;
  /** Whose key this tab still had. */
  readonly first: Session | undefined;
}

/** Whoever has signed in begins with the cluster, others with the demo, which needs no key. */
export function App({ url, control, first }: AppProps) {
  const [session, setSession] = useState(first);
  const [name, ...route] = useRoute();
  const wanted = name ?? (session === undefined ? "demo" : "live");
  const entry = entries.find((one) => one.name === wanted);
  const Loaded = useLoaded(entry);

  useEffect(() => {
    document.title = entry === undefined ? "Fanfare" : `${entry.title} · Fanfare`;
  }, [entry]);
  const sign = (next: Session | undefined) => {
    storeKey(next?.key ?? null);
    setSession(next);
  };
  const key = session?.key;
  const events = useMemo(
    () => (key === undefined ? undefined : createClusterFeed((lastId, signal) => openEvents(key, "", lastId, signal))),
    [key],
  );
  const view: View = { url, control, route, session, events, signOut: () => sign(undefined) };

  return (
    <ViewContext.Provider value={view}>
      <Header entries={entries} current={wanted} />
      <main id="view" tabIndex={-1} class={`view at-${wanted}`}>
        {entry === undefined ? (
          <p class="said">There is no view of this name.</p>
        ) : entry.locked && session === undefined ? (
          <Login title={entry.title} onSession={sign} />
        ) : (
          Loaded !== undefined && <Loaded />
        )}
      </main>
    </ViewContext.Provider>
  );
}

/** Views are fetched when they are first looked at, so that the page is there at once. */
function useLoaded(entry: Entry | undefined): ComponentType | undefined {
  const [loaded, setLoaded] = useState<{ of: Entry; view: ComponentType }>();
  useEffect(() => {
    let wanted = true;
    void entry?.load().then(({ default: view }) => wanted && setLoaded({ of: entry, view }));
    return () => {
      wanted = false;
    };
  }, [entry]);
  return loaded?.of === entry ? loaded?.view : undefined;
}
