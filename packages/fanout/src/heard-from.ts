import type { Channel, Position } from "@fanfare/domain";
import type { Socket } from "socket.io";

/** Of a socket that has only ever been in one channel, as most: a map would take four times as much. */
class Only {
  readonly channel: Channel;
  readonly position: Position;

  constructor(channel: Channel, position: Position) {
    this.channel = channel;
    this.position = position;
  }

  get(channel: Channel): Position | undefined {
    return channel === this.channel ? this.position : undefined;
  }
}

/** Per socket and channel, the position behind which the socket has been sent everything since it joined. */
export class HeardFrom {
  readonly #positions = new WeakMap<Socket, Only | Map<Channel, Position>>();

  set(socket: Socket, channel: Channel, position: Position): void {
    const known = this.#positions.get(socket);
    if (known instanceof Map) known.set(channel, position);
    else if (known === undefined || known.channel === channel) this.#positions.set(socket, new Only(channel, position));
    else this.#positions.set(socket, new Map([[known.channel, known.position]]).set(channel, position));
  }

  /** Whether a socket that is in the channel has been sent everything after `since`: it gets no replay. */
  covers(socket: Socket, channel: Channel, since: Position | undefined): boolean {
    const from = this.#positions.get(socket)?.get(channel);
    return since !== undefined && since.epoch === from?.epoch && since.offset >= from.offset;
  }
}
