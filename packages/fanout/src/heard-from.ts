import type { Channel, Position } from "@fanfare/domain";
import type { Socket } from "socket.io";

/** Per socket and channel, the position behind which the socket has been sent everything since it joined. */
export class HeardFrom {
  readonly #positions = new WeakMap<Socket, Map<Channel, Position>>();

  set(socket: Socket, channel: Channel, position: Position): void {
    const known = this.#positions.get(socket) ?? new Map<Channel, Position>();
    this.#positions.set(socket, known);
    known.set(channel, position);
  }

  /** Whether a socket that is in the channel has been sent everything after `since`: it gets no replay. */
  covers(socket: Socket, channel: Channel, since: Position | undefined): boolean {
    const from = this.#positions.get(socket)?.get(channel);
    return since !== undefined && since.epoch === from?.epoch && since.offset >= from.offset;
  }
}
