import type { Namespace } from "socket.io";
import type { ChannelState } from "./channel-state.ts";
import type { Channels } from "./channels.ts";
import type { Writers } from "./writers.ts";

/**
 * Who is in which channel's room, with the writers of their connections: what the adapter says of sockets by their ids, turned
 * into what a delivery needs. Also counted as they come and go: with many channels, counting them all every few seconds would
 * be most of what a node does.
 */
export class Members {
  readonly #channels: Channels;
  readonly #writers: Writers;
  readonly #audience = { channels: 0, subscriptions: 0 };

  constructor(channels: Channels, writers: Writers) {
    this.#channels = channels;
    this.#writers = writers;
  }

  /** How many channels have subscribers here, and how many subscriptions there are. */
  get audience(): { readonly channels: number; readonly subscriptions: number } {
    return this.#audience;
  }

  /** Called once. */
  watch({ adapter, sockets }: Namespace): void {
    adapter.on("join-room", (room: string, id: string) => {
      // A socket's own room, which it enters when it connects and leaves when it is gone.
      if (room === id) this.#writers.open(sockets.get(id));
      else this.#enter(this.#channels.ofRoom(room), id);
    });
    adapter.on("leave-room", (room: string, id: string) => {
      if (room === id) this.#writers.forget(id);
      else this.#leave(this.#channels.ofRoom(room), id);
    });
    adapter.on("delete-room", (room: string) => {
      const state = this.#channels.ofRoom(room);
      if (state !== undefined) this.#channels.dropIfUnused(state);
    });
  }

  #enter(state: ChannelState | undefined, id: string): void {
    if (state === undefined) return;
    state.members.set(id, this.#writers.of(id));
    this.#audience.subscriptions++;
    if (state.members.size === 1) this.#audience.channels++;
  }

  #leave(state: ChannelState | undefined, id: string): void {
    if (!state?.members.delete(id)) return;
    this.#audience.subscriptions--;
    if (state.members.size === 0) this.#audience.channels--;
  }
}
