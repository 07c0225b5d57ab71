import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { allows, parseAdminKeys } from "@fanfare/access";
import { asFanfareError, FanfareError } from "@fanfare/domain";

export interface ControlOptions {
  /** Lines of FANFARE_ADMIN_KEYS. */
  readonly adminKeys: readonly string[];
  /** SIGKILL, at once and without a word. False when there is no such node. */
  readonly kill: (node: string) => boolean;
}

export interface Control {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Lets the console kill a node, so that one can watch what becomes of its clients: `POST /nodes/<node>/kill`, with an admin
 * key of the scope `nodes`. Only this machine can reach it, and only `fanfare up` has one.
 */
export async function startControl({ adminKeys, kill }: ControlOptions): Promise<Control> {
  const keys = parseAdminKeys(adminKeys);

  function answer(request: IncomingMessage): number {
    // The page comes from the admin's port, so the browser asks before it sends a key along.
    if (request.method === "OPTIONS") return 204;
    const [, presented = ""] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "") ?? [];
    const key = keys.authenticate(presented);
    if (key === undefined || (key.expiresAt ?? Number.POSITIVE_INFINITY) <= Date.now()) throw new FanfareError("UNAUTHENTICATED");
    if (!allows(key, "nodes")) throw new FanfareError("FORBIDDEN");
    const [, node] = /^\/nodes\/([^/?]+)\/kill$/.exec(request.url ?? "") ?? [];
    if (request.method !== "POST" || node === undefined || !kill(decodeURIComponent(node))) throw new FanfareError("NOT_FOUND");
    return 202;
  }

  const server = createServer((request, response) => {
    request.resume();
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", "authorization");
    response.setHeader("access-control-allow-methods", "POST");
    try {
      end(response, answer(request));
    } catch (thrown) {
      const error = asFanfareError(thrown);
      end(response, error.status, error.toBody());
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function end(response: ServerResponse, status: number, body?: object): void {
  response.statusCode = status;
  if (body !== undefined) response.setHeader("content-type", "application/json");
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
