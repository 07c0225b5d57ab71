import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type CertificateFiles, keepCertificate } from "./certificate.ts";

/** Longer than any usual balancer keeps an idle connection: it is to close first, or a request may meet our closing. */
const keepAliveTimeout = 75_000;
/**
 * How long a request may take to arrive, in ms; what it waits for afterwards, such as a poll, is another matter. With how
 * often Node looks for those that are late, a slow sender is gone within 15 s.
 */
export const arrival = { headersTimeout: 10_000, requestTimeout: 12_000, connectionsCheckingInterval: 2_000 } as const;

export interface PublicServer {
  readonly http: Server;
  /** Ends what watches over it; the server is closed by others. */
  stop(): void;
}

/** The server that clients reach, with TLS where there is a certificate. Throws `SETTINGS_INVALID` for one that is none. */
export function createPublicServer(listener: RequestListener, files: CertificateFiles | undefined): PublicServer {
  const options: ServerOptions = { ...arrival, keepAliveTimeout };
  if (files === undefined) return { http: createServer(options, listener), stop: () => undefined };
  const certificate = keepCertificate(files, (pair) => http.setSecureContext(pair));
  const http = createTlsServer({ ...options, ...certificate.pair }, listener);
  // One failed handshake says nothing about us, and anybody can make it happen.
  http.on("tlsClientError", (_, socket) => socket.destroy());
  return { http, stop: certificate.stop };
}
