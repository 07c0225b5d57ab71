import { randomBytes } from "node:crypto";
import { FanfareError } from "@fanfare/domain";
import type { Metrics } from "@fanfare/telemetry";
import type { Pull, Subscriber } from "zeromq";
import type { Intake, Source } from "./source.ts";
import { draftOfFrames, readZmqMessage, Sequences } from "./zeromq-frames.ts";

export interface ZeroMqOptions {
  /** Where producers connect a PUB socket. */
  readonly bind?: string | undefined;
  /** Where producers connect a PUSH socket. */
  readonly pullBind?: string | undefined;
  /** The channel of messages that name none. */
  readonly channel: string;
  /** Messages that may wait per producer. */
  readonly queueMax: number;
  readonly metrics: Metrics;
  /** The id of the newest publication in a channel, so that a new worker knows which number came last. */
  readonly newestId?: ((channel: string) => Promise<string | undefined>) | undefined;
}

/**
 * ZeroMQ: producers connect to us.
 *
 * Order: that of each producer's connection. A PUB loses what it sends while no worker listens and what exceeds
 * {@link ZeroMqOptions.queueMax}; a PUSH waits instead. Nothing can be redelivered: what a killed worker held is lost, and
 * counted where producers number their messages. Poison is counted, not kept: ZeroMQ has no place for it.
 */
export class ZeroMqSource implements Source {
  readonly name = "zeromq";
  readonly #options: ZeroMqOptions;
  readonly #sockets: (Subscriber | Pull)[] = [];
  readonly #sequences = new Sequences();
  /** Ids are of this run: a message is never delivered twice, they only make a repeated publish safe. */
  readonly #run = randomBytes(9).toString("base64url");
  #count = 0;
  readonly #loops: Promise<void>[] = [];
  #stopping = false;

  constructor(options: ZeroMqOptions) {
    this.#options = options;
  }

  async start(intake: Intake): Promise<void> {
    const { Subscriber, Pull } = await library();
    const { bind, pullBind, queueMax } = this.#options;
    const options = { receiveHighWaterMark: queueMax, linger: 0 };
    try {
      if (bind !== undefined) {
        const socket = new Subscriber(options);
        socket.subscribe();
        await this.#bind(socket, bind, "FANFARE_ZMQ_BIND");
      }
      if (pullBind !== undefined) await this.#bind(new Pull(options), pullBind, "FANFARE_ZMQ_PULL_BIND");
    } catch (error) {
      for (const socket of this.#sockets) socket.close();
      throw error;
    }
    for (const socket of this.#sockets) this.#loops.push(this.#read(socket, intake));
  }

  /** The addresses that are really bound: a port 0 or `*` is filled in. */
  get addresses(): string[] {
    return this.#sockets.flatMap((socket) => socket.lastEndpoint ?? []);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const socket of this.#sockets) socket.close();
    await Promise.all(this.#loops);
  }

  async close(): Promise<void> {}

  async lag(): Promise<undefined> {
    return undefined;
  }

  async #bind(socket: Subscriber | Pull, address: string, setting: string): Promise<void> {
    this.#sockets.push(socket);
    try {
      await socket.bind(address);
    } catch (cause) {
      const message = `${address} cannot be bound (${cause instanceof Error ? cause.message : String(cause)})`;
      throw new FanfareError("SETTINGS_INVALID", { cause, errors: [{ path: setting, message }] });
    }
  }

  async #read(socket: Subscriber | Pull, intake: Intake): Promise<void> {
    while (!this.#stopping) {
      let parts: Buffer[];
      try {
        parts = await socket.receive();
      } catch (error) {
        // The socket was closed under the read: that is how it is stopped.
        if (this.#stopping) return;
        throw error;
      }
      await this.#hand(parts, intake);
    }
  }

  async #countGap(channel: string, sequence: number): Promise<void> {
    const { newestId, metrics } = this.#options;
    if (newestId !== undefined && !this.#sequences.knows(channel)) {
      // The broker may be away: then what the worker before missed is not known.
      const last = sequenceOfId((await newestId(channel).catch(() => undefined)) ?? "");
      if (last !== undefined) this.#sequences.missingBefore(channel, last);
    }
    const missing = this.#sequences.missingBefore(channel, sequence);
    if (missing > 0) metrics.ingestGaps.inc({ source: this.name }, missing);
  }

  async #hand(parts: Buffer[], intake: Intake): Promise<void> {
    const { channel } = this.#options;
    const { frames, sequence } = readZmqMessage(parts);
    if (sequence !== undefined) await this.#countGap(frames.length === 1 ? channel : String(frames[0]), sequence);
    this.#count += 1;
    const id = zmqId(this.#run, this.#count, sequence);
    await intake({ draft: () => draftOfFrames(frames, channel, id), stored() {}, poison() {} });
  }
}

/** Unique, and with the producer's number at its end where there is one. */
function zmqId(run: string, count: number, sequence: number | undefined): string {
  return `zmq.${run}.${count}${sequence === undefined ? "" : `.${sequence}`}`;
}

function sequenceOfId(id: string): number | undefined {
  const digits = /^zmq\.[A-Za-z0-9_-]+\.[0-9]+\.([0-9]{1,17})$/.exec(id)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Loaded when it is needed: it is an optional dependency with a native part. */
async function library(): Promise<typeof import("zeromq")> {
  try {
    return await import("zeromq");
  } catch (cause) {
    const message = "needs the package zeromq, which cannot be loaded here: npm install zeromq";
    throw new FanfareError("SETTINGS_INVALID", { cause, errors: [{ path: "FANFARE_ZMQ_BIND", message }] });
  }
}
