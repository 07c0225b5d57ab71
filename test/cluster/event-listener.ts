import { type IncomingMessage, request } from "node:http";
import type { Rest } from "@fanfare/test-support";

/** One event as the stream told it; of those that have no JSON of their own, only the type. */
export interface Told {
  readonly type: string;
  readonly id?: string;
  readonly node?: string;
  readonly connection?: string;
  readonly user?: string | null;
  readonly channel?: string;
  readonly reason?: string;
  readonly transport?: string;
  readonly recovered?: boolean;
}

/** Listens to `GET /v1/events` as a plain HTTP client does. */
export class EventListener {
  readonly told: Told[] = [];
  lastEventId: string | undefined;
  readonly #answer: IncomingMessage;
  #text = "";

  private constructor(answer: IncomingMessage) {
    this.#answer = answer;
    answer.setEncoding("utf8");
    answer.on("data", (chunk: string) => this.#hear(chunk));
    answer.on("error", () => undefined);
  }

  /** Rejects unless the stream is opened. */
  static async open({ url, secret }: Rest, query: string, lastEventId?: string): Promise<EventListener> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${secret}`,
        ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
      };
      request(new URL(`/v1/events${query}`, url), { headers })
        .once("response", resolve)
        .once("error", reject)
        .end();
    });
    if (answer.statusCode !== 200) throw new Error(`the stream is answered ${answer.statusCode}`);
    return new EventListener(answer);
  }

  close(): void {
    this.#answer.destroy();
  }

  #hear(chunk: string): void {
    const blocks = (this.#text + chunk).split("\n\n");
    this.#text = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(
        block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
      );
      const [type, data, id] = [fields.get("event"), fields.get("data"), fields.get("id")];
      if (type === undefined || data === undefined) continue;
      if (id !== undefined) this.lastEventId = id;
      this.told.push({ ...(JSON.parse(data) as object), type });
    }
  }
}
