import type { ChildProcess } from "node:child_process";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { FanfareError } from "@fanfare/domain";
import type { FromWorker, ToWorker } from "./wire.ts";

/** Longer than Node's 511, which a storm of reconnecting clients overflows. */
const backlog = 4_096;
/** Connections on their way to one worker. One that is so far behind gets no more. */
const underWayMax = 1_024;

interface Taker {
  readonly child: ChildProcess;
  /** Sent and not received yet. */
  readonly underWay: Map<number, Socket>;
}

/**
 * The public port of several workers: accepts every connection and gives it to the next of them in turn. Nothing is read
 * here. What a worker has not confirmed when it ends is closed, so that no client waits for an answer that nobody writes:
 * node:cluster forgets such connections, and a client that polls then waits for its whole ping timeout (ADR 0016).
 */
export class FrontDoor {
  readonly port: number;
  readonly #server: Server;
  readonly #takers: Taker[] = [];
  #count = 0;
  /** Those whose turn in this round is still to come. */
  #round: Taker[] = [];

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (socket) => this.#give(socket));
  }

  /** Rejects with `SETTINGS_INVALID` when the port cannot be had. */
  static async open(host: string, port: number): Promise<FrontDoor> {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause: NodeJS.ErrnoException) => {
        const message = cause.code === "EADDRINUSE" ? `${port} is taken by another process` : `cannot be had (${cause.code})`;
        reject(new FanfareError("SETTINGS_INVALID", { cause, errors: [{ path: "--port", message }] }));
      });
      server.listen({ host, port, backlog, exclusive: true }, resolve);
    });
    return new FrontDoor(server);
  }

  /** From now on this worker gets its share, until it closes or ends. */
  admit(child: ChildProcess): void {
    const taker: Taker = { child, underWay: new Map() };
    this.#takers.push(taker);
    child.on("message", (message: FromWorker) => {
      if (message.kind === "received") this.#received(taker, message.connection);
      else if (message.kind === "closed") this.#leave(taker);
    });
    child.once("exit", () => {
      this.#leave(taker);
      for (const socket of taker.underWay.values()) socket.destroy();
      taker.underWay.clear();
    });
  }

  /** Accepts nobody any more. What has been given away stays with its worker. */
  close(): void {
    this.#server.close();
  }

  #give(socket: Socket): void {
    socket.on("error", () => undefined);
    const taker = this.#next();
    if (taker === undefined) {
      socket.destroy();
      return;
    }
    const connection = ++this.#count;
    taker.underWay.set(connection, socket);
    const message: ToWorker = { kind: "connection", connection };
    // Kept open on this side too until it is confirmed, so that there is something to close when it never is.
    taker.child.send(message, socket, { keepOpen: true }, (error) => {
      if (error !== null) this.#received(taker, connection);
    });
  }

  /** Each once in a round, every round in another order: clients open their connections in a rhythm of their own. */
  #next(): Taker | undefined {
    for (let tries = this.#takers.length + this.#round.length; tries > 0; tries--) {
      if (this.#round.length === 0) this.#round = shuffled(this.#takers);
      const taker = this.#round.pop();
      if (taker?.child.connected && taker.underWay.size < underWayMax && this.#takers.includes(taker)) return taker;
    }
    return undefined;
  }

  /** Closes this side's copy, which is no longer needed. */
  #received({ underWay }: Taker, connection: number): void {
    underWay.get(connection)?.destroy();
    underWay.delete(connection);
  }

  #leave(taker: Taker): void {
    const at = this.#takers.indexOf(taker);
    if (at !== -1) this.#takers.splice(at, 1);
  }
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
