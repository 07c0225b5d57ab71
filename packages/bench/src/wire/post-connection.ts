import { connect, type Socket } from "node:net";

/** Where publications are posted. The body of one is `before`, its data as JSON, `after`. */
export interface PublishTarget {
  readonly port: number;
  readonly path: string;
  readonly token: string;
  readonly before: string;
  readonly after: string;
}

interface Waiting {
  resolve(body: string): void;
  reject(reason: Error): void;
}

/**
 * One keep-alive connection that posts JSON, one request at a time. Node's own client costs about as much CPU for a request
 * as the server that is to be measured; this one knows no more HTTP than the two servers here speak.
 */
export class PostConnection {
  readonly #socket: Socket;
  readonly #head: string;
  #received: Buffer = Buffer.alloc(0);
  #waiting: Waiting | undefined;

  private constructor(socket: Socket, { path, token }: Pick<PublishTarget, "path" | "token">) {
    this.#socket = socket;
    this.#head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: `;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#take(chunk));
    const fail = (reason: string) => this.#settle()?.reject(new Error(`The server to publish to ended: ${reason}`));
    socket.on("error", (error) => fail(error.message));
    socket.on("close", () => fail("connection closed"));
  }

  static open(target: Pick<PublishTarget, "port" | "path" | "token">): Promise<PostConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: target.port, host: "127.0.0.1" }, () => {
        socket.off("error", reject);
        resolve(new PostConnection(socket, target));
      });
      socket.once("error", reject);
    });
  }

  /** Resolves with the body of a 2xx answer; rejects on any other. */
  post(body: string): Promise<string> {
    if (this.#waiting !== undefined) return Promise.reject(new Error("This connection waits for an answer already."));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(`${this.#head}${Buffer.byteLength(body)}\r\n\r\n${body}`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const answer = parseAnswer(this.#received);
    if (answer === undefined) return;
    this.#received = this.#received.subarray(answer.bytes);
    const waiting = this.#settle();
    if (answer.status >= 200 && answer.status < 300) waiting?.resolve(answer.body);
    else waiting?.reject(new Error(`Publishing was answered with ${answer.status}: ${answer.body}`));
  }

  #settle(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** Bytes of head and body. */
  readonly bytes: number;
}

/** The first answer in what was received, or undefined while it is not whole. It must state its length. */
export function parseAnswer(received: Buffer): Answer | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const head = received.toString("latin1", 0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`An answer without a length: ${head}`);
  const bytes = headEnd + 4 + Number(length);
  if (received.length < bytes) return undefined;
  return { status: Number(head.slice(9, 12)), body: received.toString("utf8", headEnd + 4, bytes), bytes };
}
