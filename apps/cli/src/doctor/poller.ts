import { type Answer, type Place, visit } from "./visit.ts";

/** What Engine.IO says first. */
export interface Handshake {
  readonly sid: string;
  readonly pingInterval: number;
  readonly pingTimeout: number;
  readonly maxPayload: number;
}

/** An answer that a session cannot go on from. */
export class BadAnswer extends Error {
  override readonly name = "BadAnswer";
  readonly answer: Answer;

  constructor(what: string, answer: Answer) {
    super(`${what} was answered ${answer.status}${answer.text === "" ? "" : ` ${answer.text.slice(0, 60)}`}`);
    this.answer = answer;
  }
}

/** Between the packets of one body. */
const separator = "\x1e";
const roundsMax = 20;

/** The handshake in a body, or undefined when it has none. */
export function handshakeIn(text: string): Handshake | undefined {
  const [first = ""] = text.split(separator);
  if (!first.startsWith("0{")) return undefined;
  try {
    const said = JSON.parse(first.slice(1)) as Partial<Handshake>;
    return typeof said.sid === "string"
      ? { pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1_000_000, ...said, sid: said.sid }
      : undefined;
  } catch {
    return undefined;
  }
}

/** The node that a session began on: what stands before the dot of its id. */
export function nodeOf(sid: string): string {
  return sid.split(".")[0] ?? sid;
}

/**
 * A client that polls by hand, every request over a new connection and without cookies: so that each of them goes where the
 * balancer sends strangers, and every answer's status can be told.
 */
export class Poller {
  readonly handshake: Handshake;
  /** The answer to the first request. */
  readonly first: Answer;
  readonly #place: Place;
  #acks = 0;
  /** A poll that nobody reads. */
  #held: Promise<unknown> | undefined;

  private constructor(place: Place, first: Answer, handshake: Handshake) {
    this.#place = place;
    this.first = first;
    this.handshake = handshake;
  }

  /** Rejects with a {@link BadAnswer} when it is refused. */
  static async open(place: Place, headers: Readonly<Record<string, string>> = {}): Promise<Poller> {
    const first = await visit(place, { query: { EIO: "4", transport: "polling" }, headers });
    const handshake = first.status === 200 ? handshakeIn(first.text) : undefined;
    if (handshake === undefined) throw new BadAnswer("The handshake", first);
    return new Poller(place, first, handshake);
  }

  /** Connects to the main namespace. Rejects with what the server says when it refuses. */
  async connect(token: string | undefined): Promise<void> {
    await this.#post(token === undefined ? "40" : `40${JSON.stringify({ token })}`);
    const packet = await this.#heard((one) => one.startsWith("40") || one.startsWith("44"));
    if (packet.startsWith("44")) throw new Error(`the connection was refused: ${packet.slice(2, 120)}`);
  }

  /** A request with an answer, which is given as it came. */
  async request(event: string, body: unknown): Promise<string> {
    const id = this.#acks++;
    await this.#post(`42${id}${JSON.stringify([event, body])}`);
    return this.#heard((one) => one.startsWith(`43${id}[`));
  }

  /** Keeps a connection of the balancer busy until it is closed, as every client that polls does. */
  hold(): void {
    this.#held = visit(this.#place, { query: this.#query() }).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#post("1").catch(() => undefined);
    await this.#held;
  }

  async #post(packet: string): Promise<void> {
    const answer = await visit(this.#place, { method: "POST", query: this.#query(), body: packet });
    if (answer.status !== 200) throw new BadAnswer("A post", answer);
  }

  async #heard(wanted: (packet: string) => boolean): Promise<string> {
    for (let round = 0; round < roundsMax; round++) {
      const answer = await visit(this.#place, { query: this.#query() });
      if (answer.status !== 200) throw new BadAnswer("A poll", answer);
      const packets = answer.text.split(separator);
      if (packets.includes("2")) await this.#post("3");
      const found = packets.find(wanted);
      if (found !== undefined) return found;
    }
    throw new Error(`nothing of the kind came with ${roundsMax} polls`);
  }

  #query(): Record<string, string> {
    return { EIO: "4", transport: "polling", sid: this.handshake.sid };
  }
}
