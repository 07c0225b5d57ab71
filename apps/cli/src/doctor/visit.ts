import { type IncomingHttpHeaders, request as overHttp } from "node:http";
import { request as overHttps } from "node:https";

/** Where Fanfare is looked for. */
export interface Place {
  /** `https://example.com`, always http or https. */
  readonly origin: string;
  /** `/socket.io/`, behind the path of the URL that was given. */
  readonly path: string;
  /** False once the certificate has been found wrong: the other rows are worth knowing all the same. */
  readonly verify: boolean;
}

export interface Visit {
  readonly method?: "GET" | "POST" | "OPTIONS";
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly path?: string;
  readonly timeoutMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** From the beginning of the request to the first byte of the body, and to its end. */
  readonly firstMs: number;
  readonly endMs: number;
  /** The connection ended before the body was complete. */
  readonly cut: boolean;
}

const answerMs = 10_000;

/**
 * One request over a connection of its own: requests that shared one would go to one node, whatever the balancer does with
 * others. Rejects when there is no answer.
 */
export function visit(
  place: Place,
  { method = "GET", query = {}, headers, body, path, timeoutMs = answerMs }: Visit,
): Promise<Answer> {
  const url = new URL(path ?? place.path, place.origin);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const startedMs = performance.now();
  const sinceMs = () => performance.now() - startedMs;
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? overHttps : overHttp)(
      url,
      {
        method,
        agent: false,
        rejectUnauthorized: place.verify,
        headers: {
          connection: "close",
          ...(body === undefined
            ? {}
            : { "content-type": "text/plain;charset=UTF-8", "content-length": Buffer.byteLength(body) }),
          ...headers,
        },
      },
      (response) => {
        let text = "";
        let firstMs: number | undefined;
        const done = () => {
          clearTimeout(timer);
          const { statusCode = 0, headers: answered, complete } = response;
          resolve({
            status: statusCode,
            headers: answered,
            text,
            firstMs: firstMs ?? sinceMs(),
            endMs: sinceMs(),
            cut: !complete,
          });
        };
        response.setEncoding("utf8").on("data", (chunk: string) => {
          firstMs ??= sinceMs();
          text += chunk;
        });
        response.once("close", done);
        // What became of it is in `complete`.
        response.on("error", () => undefined);
      },
    );
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${Math.round(timeoutMs / 1_000)} s`)), timeoutMs);
    request.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.end(body);
  });
}

/** What an error says to a person: Node's for a failed connection are lists without a message. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== "") return error.message;
  return "code" in error ? String(error.code) : error.name;
}
