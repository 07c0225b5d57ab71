import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { createSecureContext } from "node:tls";
import { FanfareError } from "@fanfare/domain";
import type { Log } from "@fanfare/telemetry";

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly log: Pick<Log, "info" | "warn">;
  /** How often the files are looked at. */
  readonly everyMs?: number;
}

export interface CertificatePair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const everyDefaultMs = 5_000;

/**
 * Reads a certificate and its key, and again on SIGHUP and whenever one of the files changes: those who renew certificates
 * replace files. A pair that does not fit, such as one half of a new one, changes nothing. Looked at by name, because what
 * is mounted from elsewhere is replaced by moving links, of which a watch on the file hears nothing.
 */
export function keepCertificate(
  { cert, key, log, everyMs = everyDefaultMs }: CertificateFiles,
  renewed: (pair: CertificatePair) => void,
): { readonly pair: CertificatePair; stop(): void } {
  const first = read(cert, key);
  let last = first;
  const reload = (): void => {
    try {
      const pair = read(cert, key);
      if (pair.cert.equals(last.cert) && pair.key.equals(last.key)) return;
      last = pair;
      renewed(pair);
      log.info({ cert }, "certificate renewed");
    } catch (err) {
      log.warn({ cert, reason: (err as Error).message }, "certificate not renewed");
    }
  };
  for (const path of [cert, key]) watchFile(path, { interval: everyMs, persistent: false }, reload);
  process.on("SIGHUP", reload);
  return {
    pair: first,
    stop() {
      for (const path of [cert, key]) unwatchFile(path, reload);
      process.off("SIGHUP", reload);
    },
  };
}

function read(cert: string, key: string): CertificatePair {
  try {
    const pair = { cert: readFileSync(cert), key: readFileSync(key) };
    // Throws when the two do not belong together.
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    const message = `cannot be used with FANFARE_TLS_KEY: ${(cause as Error).message}`;
    throw new FanfareError("SETTINGS_INVALID", { detail: message, cause, errors: [{ path: "FANFARE_TLS_CERT", message }] });
  }
}
