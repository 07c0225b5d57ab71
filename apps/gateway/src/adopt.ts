import type { Namespace } from "socket.io";
import type { ClientSocket } from "./session.ts";

/*
 * What the stock client needs to see to call itself recovered: the CONNECT packet carries the `pid` it sent, and the old
 * `sid` (socket.io-client 4.8, lib/socket.ts, `onconnect`). Socket.IO's own option for this would also persist at every
 * disconnect, send direct emits through the adapter and add an argument to what stock emitters send; so the fields are set
 * here, in a middleware, before the packet is written.
 */

/** Fields that socket.io 4.8 keeps to itself (lib/socket.ts, lib/namespace.ts). */
interface SocketInternals {
  id: string;
  pid?: string;
  recovered: boolean;
  _onclose(reason: string): void;
}

interface NamespaceInternals {
  readonly _preConnectSockets: Map<string, unknown>;
}

/** Gives a new session the secret by which its client can come back to it. */
export function makeRecoverable(socket: ClientSocket, pid: string): void {
  internals(socket).pid = pid;
}

/** Makes a socket that is not connected yet go on under a former session's name. */
export function adopt(namespace: Namespace, socket: ClientSocket, { id, pid }: { id: string; pid: string }): void {
  const zombie = namespace.sockets.get(id);
  if (zombie !== undefined) closeZombie(zombie);
  // The namespace keeps waiting sockets by id, and looks this one up again by its new one.
  const { _preConnectSockets: waiting } = namespace as unknown as NamespaceInternals;
  waiting.delete(socket.id);
  waiting.set(id, socket);
  Object.assign(internals(socket), { id, pid, recovered: true });
}

/**
 * Ends a session's former connection at once and in this turn: when it ended by itself, later, it would take the rooms of
 * its successor with it, because both have the same id. Nothing is sent; the client no longer reads there.
 */
export function closeZombie(socket: ClientSocket): void {
  const { conn } = socket;
  internals(socket)._onclose("forced server close");
  conn.close(true);
}

function internals(socket: ClientSocket): SocketInternals {
  return socket as unknown as SocketInternals;
}
