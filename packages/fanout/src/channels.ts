import { type Broker, type Channel, partitionOf, type Retention, roomOf, topicOfRoom } from "@fanfare/domain";
import type { ChannelState } from "./channel-state.ts";
import type { Delivered } from "./continuity.ts";
import { Openings } from "./openings.ts";
import type { TopicInterest } from "./topic-interest.ts";

export interface ChannelsParts {
  readonly broker: Broker;
  readonly interest: TopicInterest;
  readonly cluster: string;
  readonly retention: (channel: Channel) => Retention;
  /** Whether anyone on this node is in the room. */
  occupied(room: string): boolean;
  /** Called once per channel, when the broker has said where it stands. */
  opened(state: ChannelState, delivered: Delivered): void;
}

/** The channels that this node listens to: those that have a subscriber here, or one on its way. */
export class Channels {
  readonly #parts: ChannelsParts;
  readonly #openings: Openings;
  readonly #byTopic = new Map<string, ChannelState>();

  constructor(parts: ChannelsParts) {
    this.#parts = parts;
    this.#openings = new Openings(parts.broker);
  }

  get size(): number {
    return this.#byTopic.size;
  }

  [Symbol.iterator](): Iterator<ChannelState> {
    return this.#byTopic.values();
  }

  ofTopic(topic: string): ChannelState | undefined {
    return this.#byTopic.get(topic);
  }

  ofRoom(room: string): ChannelState | undefined {
    return this.#byTopic.get(topicOfRoom(this.#parts.cluster, room));
  }

  *ofPartition(partition: number): Iterable<ChannelState> {
    for (const state of this.#byTopic.values()) if (state.partition === partition) yield state;
  }

  roomOf(channel: Channel): string {
    return roomOf(channel, partitionOf(channel, this.#parts.broker.partitions));
  }

  /** Keeps the channel known until {@link release}; a channel that is new to the node is opened. */
  hold(channel: Channel, logged?: boolean): ChannelState {
    const room = this.roomOf(channel);
    const topic = topicOfRoom(this.#parts.cluster, room);
    const known = this.#byTopic.get(topic);
    if (known !== undefined) {
      known.holds++;
      return known;
    }
    const state: ChannelState = {
      channel,
      partition: partitionOf(channel, this.#parts.broker.partitions),
      room,
      topic,
      logged: logged ?? this.#parts.retention(channel).count > 0,
      ruled: logged === undefined,
      opened: Promise.resolve(),
      delivered: undefined,
      early: [],
      captures: new Set(),
      members: new Map(),
      holds: 1,
      dropped: false,
      heard: false,
    };
    this.#byTopic.set(topic, state);
    state.opened = this.#open(state);
    // The next subscriber tries anew; whoever waits for this try sees it fail.
    state.opened.catch(() => this.#forget(state));
    return state;
  }

  release(state: ChannelState): void {
    state.holds--;
    this.dropIfUnused(state);
  }

  dropIfUnused(state: ChannelState): void {
    if (state.holds === 0 && !this.#parts.occupied(state.room)) this.#forget(state);
  }

  /**
   * First the subscription, then the question: what is stored after the answer was made is announced to a node that
   * already listens, and what was stored before is covered by the answer.
   */
  async #open(state: ChannelState): Promise<void> {
    await this.#parts.interest.acquire(state.topic);
    this.#parts.opened(state, await this.#openings.open(state.channel));
  }

  #forget(state: ChannelState): void {
    if (this.#byTopic.get(state.topic) !== state) return;
    state.dropped = true;
    this.#byTopic.delete(state.topic);
    this.#parts.interest.release(state.topic);
  }
}
