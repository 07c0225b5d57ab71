import { Agent, request } from "node:http";

/** How one request over HTTP went. */
interface Answered {
  readonly status: number;
  readonly body: string;
}

/**
 * A Socket.IO session over long-polling whose requests can be sent to any port: that of the node that owns it, or that of
 * another one. One request at a time, each on a connection that is kept.
 */
export class PollingSession {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #owner: number;
  #sid = "";
  #asked = 0;

  constructor(owner: number) {
    this.#owner = owner;
  }

  /** Begins the session at its owner and connects to the namespace. */
  async open(): Promise<void> {
    const { body } = await this.#request(this.#owner, "GET");
    this.#sid = (JSON.parse(body.slice(1)) as { sid: string }).sid;
    await this.#request(this.#owner, "POST", "40");
    // What the server has to say first: the answer to CONNECT, perhaps a welcome.
    await this.#request(this.#owner, "GET");
  }

  /** One POST with an event and the poll that brings its answer. Resolves with how many requests that took. */
  async echo(port: number): Promise<number> {
    const id = this.#asked++;
    await this.#request(port, "POST", `42${id}["echo",${id}]`);
    for (let polls = 1; ; polls++) {
      const { body } = await this.#request(port, "GET");
      if (body.includes(`43${id}[`)) return 1 + polls;
      // The server wants to know whether we are there.
      if (body === "2") await this.#request(port, "POST", "3");
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #request(port: number, method: "GET" | "POST", body?: string): Promise<Answered> {
    const session = this.#sid === "" ? "" : `&sid=${encodeURIComponent(this.#sid)}`;
    const path = `/socket.io/?EIO=4&transport=polling${session}`;
    const headers =
      body === undefined ? {} : { "content-type": "text/plain;charset=UTF-8", "content-length": String(body.length) };
    return new Promise((resolve, reject) => {
      const outgoing = request({ host: "127.0.0.1", port, path, method, headers, agent: this.#agent }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          if (status === 200) resolve({ status, body: text });
          else reject(new Error(`A ${method} of a polling session was answered with ${status}: ${text}`));
        });
        response.on("error", reject);
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }
}
