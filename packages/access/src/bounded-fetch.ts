import { FanfareError } from "@fanfare/domain";

export interface BoundedRequest {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the first byte that goes out to the last one that comes back. */
  readonly timeoutMs: number;
  readonly answerBytesMax: number;
}

export interface BoundedAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * A request to an address out of the settings, of which nothing can grow: neither the time nor the answer. Redirects are
 * not followed, because who controls one address could then name another. Rejects on anything that goes wrong.
 */
export async function boundedFetch(url: URL, request: BoundedRequest): Promise<BoundedAnswer> {
  const { method = "GET", headers = {}, body, timeoutMs, answerBytesMax } = request;
  const response = await fetch(url, {
    method,
    headers: { accept: "application/json", ...headers },
    redirect: "error",
    signal: AbortSignal.timeout(timeoutMs),
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, text: await textOf(response, answerBytesMax) };
}

async function textOf(response: Response, bytesMax: number): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Left early, the loop cancels the stream, which closes the connection.
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new RangeError(`the answer is longer than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The address of a setting. Throws `SETTINGS_INVALID` for one with a password in it: errors would carry it into logs. */
export function addressOf(setting: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && url.username === "" && url.password === "") return url;
  const message = url === undefined ? "is not a URL" : "must not have a user or a password in it";
  throw new FanfareError("SETTINGS_INVALID", { errors: [{ path: setting, message }] });
}
