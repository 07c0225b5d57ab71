import type { IncomingMessage } from "node:http";
import { connect as connectTcp, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { Clock } from "@fanfare/domain";
import { forwardedHeaders } from "./headers.ts";
import { connectMs } from "./peer.ts";

export interface SpliceOptions {
  readonly peerUrl: string;
  readonly secret: string;
  readonly clock: Pick<Clock, "after">;
}

/**
 * Connects an upgrade with its owner until either side closes: bytes in both directions, each side read only as fast as
 * the other takes them. Resolves `open` once the owner accepts the connection, or `unreachable` with nothing written.
 */
export function splice(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { peerUrl, secret, clock }: SpliceOptions,
): Promise<"open" | "unreachable"> {
  return new Promise((resolve) => {
    const url = new URL(peerUrl);
    const owner = connectOwner(url);
    const giveUp = (): void => void owner.destroy();
    const callOff = clock.after(connectMs, giveUp);
    socket.once("close", giveUp);
    let open = false;
    owner.on("error", () => undefined);
    owner.once("close", () => {
      callOff();
      socket.off("close", giveUp);
      if (open) socket.destroy();
      else resolve("unreachable");
    });
    owner.once(url.protocol === "https:" ? "secureConnect" : "connect", () => {
      open = true;
      callOff();
      owner.write(requestHead(request, secret));
      owner.write(head);
      socket.pipe(owner).pipe(socket);
      resolve("open");
    });
  });
}

function connectOwner({ protocol, hostname, port }: URL): Socket {
  // A URL writes an IPv6 address in brackets.
  const host = hostname.replace(/^\[|\]$/g, "");
  if (protocol !== "https:") return connectTcp({ host, port: Number(port || 80), noDelay: true });
  return connectTls({ host, port: Number(port || 443) }).setNoDelay(true);
}

function requestHead(request: IncomingMessage, secret: string): string {
  const headers = { ...forwardedHeaders(request, secret), connection: "Upgrade", upgrade: request.headers.upgrade };
  const lines = Object.entries(headers).flatMap(([name, value]) => [value ?? []].flat().map((one) => `${name}: ${one}\r\n`));
  return `${request.method} ${request.url} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
