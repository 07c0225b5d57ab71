/** An admin key that the server has accepted, for as long as this tab is open. */
export interface Session {
  readonly key: string;
  readonly name: string;
  /** Empty: everything. */
  readonly scopes: readonly string[];
}

const stored = "fanfare:key";

/** Of this tab and its reloads. Never in an address, never on disk for longer than the tab lives. */
export function storedKey(): string | null {
  try {
    return sessionStorage.getItem(stored);
  } catch {
    return null;
  }
}

export function storeKey(key: string | null): void {
  try {
    if (key === null) sessionStorage.removeItem(stored);
    else sessionStorage.setItem(stored, key);
  } catch {
    // Storage is switched off: the key is kept in memory alone, and a reload asks for it again.
  }
}

/** The session of a key. Rejects with a {@link Refused} when the server does not take it. */
export async function sessionOf(key: string): Promise<Session> {
  const { name, scopes } = await request<Omit<Session, "key">>(key, "GET", "/key");
  return { key, name, scopes };
}

export function may({ scopes }: Session, scope: string): boolean {
  return scopes.length === 0 || scopes.some((own) => own === scope || own.startsWith(`${scope}:`));
}

/** What the server says when it will not, or why it could not be asked. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The cluster's events as they come: what came after the one of this id, or with `query` as docs/EVENTS.md has it. */
export function openEvents(key: string, query: string, lastId: string | undefined, signal: AbortSignal): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, ...(lastId === undefined ? {} : { "last-event-id": lastId }) };
  return fetch(`../v1/events${query}`, { headers, signal });
}

/** One request to the admin API. Rejects with a {@link Refused}. */
export async function request<Answer>(key: string, method: string, path: string, body?: unknown, signal?: AbortSignal) {
  const init: RequestInit = { method, headers: { authorization: `Bearer ${key}` }, signal: signal ?? null };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, "content-type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(`../v1${path}`, init);
  } catch (problem) {
    if (signal?.aborted === true) throw problem;
    throw new Refused(0, "The admin API does not answer.");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer.detail ?? answer.title ?? `The answer was ${response.status}.`);
  return answer as Answer;
}
