/**
 * What is needed of a `Socket` of socket.io-client 4.6 or later. Written out, because a Socket whose events are typed is not
 * assignable to the untyped one.
 */
export interface StockSocket {
  readonly connected: boolean;
  /** Whether the server has taken this session up again, channels included. */
  readonly recovered: boolean;
  /** Packets that came while it was not connected; it hears them with its next connection. */
  readonly receiveBuffer: unknown[];
  on(event: "connect" | "disconnect", listener: () => void): unknown;
  off(event: "connect" | "disconnect", listener: () => void): unknown;
  onAny(listener: (event: string, ...args: unknown[]) => void): unknown;
  offAny(listener: (event: string, ...args: unknown[]) => void): unknown;
  timeout(ms: number): { emitWithAck(event: string, ...args: unknown[]): Promise<unknown> };
}
