import type { Channel } from "@fanfare/domain";
import type { Socket } from "socket.io";

/** What is asked for one socket and channel is done one after the other, or a second replay would repeat the first. */
export class Turns {
  readonly #turns = new WeakMap<Socket, Map<Channel, Promise<unknown>>>();

  /** Runs `act` when everything that was asked before for the socket and any of the channels is done. */
  take<Result>(socket: Socket, channels: readonly Channel[], act: () => Promise<Result> | Result): Promise<Result> {
    const turns = this.#turns.get(socket) ?? new Map<Channel, Promise<unknown>>();
    const before = channels.flatMap((channel) => turns.get(channel) ?? []);
    const turn = before.length === 0 ? begin(act) : Promise.allSettled(before).then(act);
    this.#turns.set(socket, turns);
    for (const channel of channels) turns.set(channel, turn);
    const forget = (): void => {
      for (const channel of channels) if (turns.get(channel) === turn) turns.delete(channel);
      // Most sockets ask for something once, and then stay for hours.
      if (turns.size === 0 && this.#turns.get(socket) === turns) this.#turns.delete(socket);
    };
    turn.then(forget, forget);
    return turn;
  }
}

async function begin<Result>(act: () => Promise<Result> | Result): Promise<Result> {
  return act();
}
