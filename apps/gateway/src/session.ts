import { anonymous, type Identity } from "@fanfare/access";
import type { Channel } from "@fanfare/domain";
import type { Socket } from "socket.io";

/** What the gateway knows of one client, kept in `socket.data`. */
interface SessionData {
  identity: Identity;
  /** Subscriptions that are coming about: they count before the broker has answered. */
  entering: number;
  /** The last history that was asked for: the next one is read behind it. */
  reading: Promise<unknown>;
  /** Channels that the application has subscribed it to: nobody else needs to allow them. */
  granted: Set<Channel>;
}

export type ClientSocket = Socket<Record<string, never>, Record<string, never>, Record<string, never>, Partial<SessionData>>;

export function identityOf(socket: ClientSocket): Identity {
  return socket.data.identity ?? anonymous;
}
