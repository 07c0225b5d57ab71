import type { SettingRow } from "./row.ts";

/** TLS on the public port. To Redis it is a matter of the URL: rediss://. */
export const tlsSettings = {
  tlsCert: {
    env: "FANFARE_TLS_CERT",
    type: "path",
    doc: "Certificate chain in PEM for TLS on the public port; read again when the file changes and on SIGHUP. Absent: no TLS here, a balancer in front has it.",
    usedBy: ["gateway", "serve"],
  },
  tlsKey: {
    env: "FANFARE_TLS_KEY",
    type: "path",
    doc: "Private key in PEM that belongs to FANFARE_TLS_CERT.",
    usedBy: ["gateway", "serve"],
  },
} as const satisfies Record<string, SettingRow>;
