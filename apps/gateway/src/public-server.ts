import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { arrival, closeUnread, handshakeTimeout, hangUp } from "@fanfare/access";
import type { Clock } from "@fanfare/domain";
import { type CertificateFiles, keepCertificate } from "./certificate.ts";

/** Longer than any usual balancer keeps an idle connection: it is to close first, or a request may meet our closing. */
const keepAliveTimeout = 75_000;

export interface PublicServer {
  readonly http: Server;
  /** Ends what watches over it; the server is closed by others. */
  stop(): void;
}

interface PublicServerParts {
  /** Answers what is not Socket.IO's. */
  readonly listener: RequestListener;
  /** What the paths of Socket.IO begin with. */
  readonly path: string;
  readonly files: CertificateFiles | undefined;
  readonly clock: Pick<Clock, "monotonic" | "after">;
}

/** The server that clients reach, with TLS where there is a certificate. Throws `SETTINGS_INVALID` for one that is none. */
export function createPublicServer({ listener, path, files, clock }: PublicServerParts): PublicServer {
  const { http, stop } = open(listener, files);
  closeUnread(http, clock);
  // Engine.IO would end such a connection only on this side, and a second later.
  http.on("upgrade", ({ url = "" }, socket) => {
    if (!url.startsWith(path)) hangUp(socket, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  return { http, stop };
}

function open(listener: RequestListener, files: CertificateFiles | undefined): PublicServer {
  const options: ServerOptions = { ...arrival, keepAliveTimeout };
  if (files === undefined) return { http: createServer(options, listener), stop: () => undefined };
  const certificate = keepCertificate(files, (pair) => http.setSecureContext(pair));
  const http = createTlsServer({ ...options, ...certificate.pair, handshakeTimeout }, listener);
  // One failed handshake says nothing about us, and anybody can make it happen.
  http.on("tlsClientError", (_, socket) => socket.destroy());
  return { http, stop: certificate.stop };
}
