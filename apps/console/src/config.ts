/** The port that gateways listen on when nothing else is said. */
const defaultPort = 8000;

/**
 * Where the Socket.IO server is: `?url=` of the page's own address, else what the admin app was told, else this host at the
 * default port. Throws when the address cannot be used.
 */
export function publicUrl(page: string, configured: string | null): string {
  const here = new URL(page);
  const chosen = here.searchParams.get("url") ?? configured;
  if (chosen === null) return `${here.protocol}//${here.hostname}:${defaultPort}`;
  const { protocol, origin } = new URL(chosen);
  if (!/^(https?|wss?):$/.test(protocol)) throw new Error(`${chosen} is no http or websocket address`);
  // Without a path: Socket.IO would take it for a namespace.
  return origin;
}

/** What the admin app tells whoever opens the page. */
export interface Configured {
  readonly url: string | null;
  /** Where `fanfare up` kills nodes when asked. */
  readonly control: string | undefined;
}

/** Asks the admin app; a page served by anything else goes by the default. */
export async function configured(): Promise<Configured> {
  try {
    const response = await fetch("./config.json");
    const { url, control } = (await response.json()) as { url?: unknown; control?: unknown };
    return { url: typeof url === "string" ? url : null, control: typeof control === "string" ? control : undefined };
  } catch {
    return { url: null, control: undefined };
  }
}
