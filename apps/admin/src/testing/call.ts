import type { TestAdmin } from "./test-admin.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS";

export interface CallOptions {
  /** A value to send as JSON, or a text or bytes to send as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** null: none. Absent: the key for everything. */
  readonly key?: string | null;
  readonly type?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
  readonly body: any;
}

/** One request to the admin API, without a socket. */
export async function call(admin: TestAdmin, method: Method, url: string, options: CallOptions = {}): Promise<Answer> {
  const { body, key = admin.key, type = "application/json", headers } = options;
  const payload = body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const response = await admin.app.inject({
    method,
    url,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(payload === undefined ? {} : { "content-type": type }),
      ...headers,
    },
    ...(payload === undefined ? {} : { payload }),
  });
  const json = /json/.test(String(response.headers["content-type"])) && !/ndjson/.test(String(response.headers["content-type"]));
  return {
    status: response.statusCode,
    headers: response.headers,
    text: response.body,
    body: json && response.body !== "" ? JSON.parse(response.body) : undefined,
  };
}
