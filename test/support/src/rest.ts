import { Agent, type IncomingHttpHeaders, request } from "node:http";
import type { Acked } from "./history.ts";

export interface RestAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Parsed when it is JSON. */
  readonly body: unknown;
  readonly tookMs: number;
}

export interface ToPublish {
  readonly channel: string;
  readonly data: unknown;
  readonly event?: string;
  readonly id?: string;
}

/** Another try's pause when the answer does not name one. */
const retryMs = 500;
const patienceMs = 90_000;

/** The admin API of one process, over connections that are kept. */
export class Rest {
  readonly url: string;
  readonly secret: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(url: string, secret: string) {
    this.url = url;
    this.secret = secret;
  }

  /** `body` as text is sent as it is. Rejects only when the connection fails. */
  call(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<RestAnswer> {
    const startedMs = performance.now();
    return new Promise((resolve, reject) => {
      const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
      const outgoing = request(new URL(path, this.url), {
        method,
        agent: this.#agent,
        headers: {
          authorization: `Bearer ${this.secret}`,
          ...(text === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
      });
      outgoing.once("error", reject);
      outgoing.once("response", (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.once("error", reject);
        answer.once("end", () => {
          const said = Buffer.concat(chunks).toString();
          const isJson = answer.headers["content-type"]?.includes("json") ?? false;
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: isJson ? JSON.parse(said) : said,
            tookMs: performance.now() - startedMs,
          });
        });
      });
      outgoing.end(text);
    });
  }

  /** Publishes once. Throws with the whole answer when it is not a 200. */
  async publish(publication: ToPublish): Promise<Acked> {
    const sentAtMs = performance.now();
    const answer = await this.call("POST", "/v1/publish", publication);
    if (answer.status !== 200) throw new Error(`publish was answered ${answer.status} ${JSON.stringify(answer.body)}`);
    return acked(publication, answer, sentAtMs, 1);
  }

  /** Publishes as a careful publisher does: what is refused for now is tried again with the same id until it is stored. */
  async publishUntilStored(publication: ToPublish & { readonly id: string }): Promise<Acked> {
    const sentAtMs = performance.now();
    for (let tries = 1; ; tries++) {
      const answer = await this.call("POST", "/v1/publish", publication).catch(() => undefined);
      if (answer?.status === 200) return acked(publication, answer, sentAtMs, tries);
      const mayRetry = answer === undefined || answer.status === 503;
      if (!mayRetry || performance.now() - sentAtMs > patienceMs) {
        throw new Error(`publish ${publication.id}, try ${tries}: ${answer?.status} ${JSON.stringify(answer?.body)}`);
      }
      const pauseMs = Number(answer?.headers["retry-after"] ?? retryMs / 1_000) * 1_000;
      await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.75 + Math.random() / 2)));
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

function acked({ channel, data, id }: ToPublish, { body }: RestAnswer, sentAtMs: number, tries: number): Acked {
  const { epoch, offset } = body as { epoch: string; offset: number };
  return { channel, epoch, offset, id, data, sentAtMs, ackedAtMs: performance.now(), tries };
}
