import { type Broker, type Draft, FanfareError, type Position, type PublishOutcome } from "@fanfare/domain";

/** Every channel keeps everything, and only the one called `traced` keeps traces. */
export const rules = (channel: string) => ({ retain: { count: 100_000, seconds: 600 }, trace: channel === "traced" });

/**
 * - `open`   as if the gate were not there
 * - `away`   nothing is stored
 * - `mute`   everything is stored, and every answer is lost
 * - `full`   nothing is stored, for lack of memory
 */
export type GateMode = "open" | "away" | "mute" | "full";

/**
 * The one verb of a broker that ingestion uses, behind a gate that does what networks do. Rooms do not know each other,
 * so this is not the broker that ships; test/cluster runs ingestion with that.
 */
export class GatedBroker implements Pick<Broker, "publish"> {
  mode: GateMode = "open";
  /** Publishes that were asked for, in this order: every attempt. */
  readonly attempts: Draft[] = [];
  readonly #logs = new Map<string, Draft[]>();
  readonly #byId = new Map<string, { readonly content: string; readonly position: Position }>();

  async publish(draft: Draft): Promise<PublishOutcome> {
    this.attempts.push(draft);
    const { mode } = this;
    // An answer takes a moment: so that what must wait for it has the chance not to.
    await new Promise((resolve) => setImmediate(resolve));
    if (mode === "away") throw new FanfareError("BROKER_UNAVAILABLE");
    if (mode === "full") throw new FanfareError("BROKER_FULL");
    const outcome = this.#store(draft);
    if (mode === "mute") throw new FanfareError("BROKER_UNAVAILABLE");
    return outcome;
  }

  /** What is in a channel, in order. */
  publications(channel: string): readonly Draft[] {
    return this.#logs.get(channel) ?? [];
  }

  /** The payloads in a channel, in order. */
  heard(channel: string): unknown[] {
    return this.publications(channel).map(({ payload }) => JSON.parse(payload.json) as unknown);
  }

  #store(draft: Draft): PublishOutcome {
    const { channel, event, payload, id } = draft;
    const content = JSON.stringify([event, payload]);
    const key = JSON.stringify([channel, id]);
    const known = id === undefined ? undefined : this.#byId.get(key);
    if (known !== undefined) {
      return known.content === content ? { kind: "duplicate", position: known.position } : { kind: "conflict" };
    }
    const log = this.#logs.get(channel) ?? [];
    this.#logs.set(channel, log);
    log.push(draft);
    const position = { epoch: "test", offset: log.length };
    if (id !== undefined) this.#byId.set(key, { content, position });
    return { kind: "stored", position };
  }
}
