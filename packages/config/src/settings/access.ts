import { type SettingRow, web } from "./row.ts";

/** Who may do what. */
export const accessSettings = {
  tokenSecret: {
    env: "FANFARE_TOKEN_SECRET",
    type: "text",
    secret: true,
    fromFile: true,
    doc: "Shared secret that client tokens are signed with (HS256). At least 32 random bytes; a shorter one is refused.",
    usedBy: ["up", "gateway", "serve", "token"],
  },
  tokenPublicKey: {
    env: "FANFARE_TOKEN_PUBLIC_KEY",
    type: "text",
    fromFile: true,
    doc: "Public key in PEM that client tokens are checked with (RS, PS, ES or EdDSA), instead of a secret.",
    usedBy: ["up", "gateway", "serve"],
  },
  jwksUrl: {
    env: "FANFARE_JWKS_URL",
    type: "url",
    schemes: web,
    doc: "Where the public keys that client tokens are checked with are published, instead of a secret or one key.",
    usedBy: ["up", "gateway", "serve"],
  },
  tokenTtlMaxMs: {
    env: "FANFARE_TOKEN_TTL_MAX_MS",
    type: "ms",
    default: 86_400_000,
    min: 1_000,
    max: 31_622_400_000,
    doc: "How far ahead the exp of a client token may lie; tokens that live longer are refused. Revocations are kept this long. A day: long enough to be made once a login, short enough for a list of revocations to stay small.",
    usedBy: ["up", "gateway", "admin", "serve", "token"],
  },
  authorizeUrl: {
    env: "FANFARE_AUTHORIZE_URL",
    type: "url",
    schemes: web,
    doc: "Where the application answers who a client is and what it may, with or instead of tokens. Needs FANFARE_AUTHORIZE_SECRET. See docs/AUTHORIZE.md.",
    usedBy: ["up", "gateway", "serve"],
  },
  authorizeSecret: {
    env: "FANFARE_AUTHORIZE_SECRET",
    type: "text",
    secret: true,
    fromFile: true,
    doc: "Signs what the application is asked (HMAC-SHA256), so that it knows who asks. At least 32 random bytes.",
    usedBy: ["up", "gateway", "serve"],
  },
  rules: {
    env: "FANFARE_RULES",
    type: "path",
    doc: "The rules file: which channels may do what. Absent: nothing is allowed, except that users may hear their own channel. Read again when it changes and at SIGHUP. See docs/RULES.md.",
    usedBy: ["up", "gateway", "admin", "serve", "check", "ingest"],
  },
  origins: {
    env: "FANFARE_ORIGINS",
    type: "list",
    item: "scheme://host[:port] or *",
    default: [],
    doc: "Browser origins whose pages may connect; * is any. Pages of the very host that they connect to always may, and what is not a browser sends no origin.",
    usedBy: ["up", "gateway", "serve"],
  },
  clusterSecret: {
    env: "FANFARE_CLUSTER_SECRET",
    type: "text",
    secret: true,
    fromFile: true,
    doc: "Authenticates nodes and the admin API to a node on its peer port: the same for all of a cluster. Use at least 32 random bytes. Without it nothing is forwarded, and the balancer has to keep each session on its node.",
    usedBy: ["up", "gateway", "admin", "serve"],
  },
} as const satisfies Record<string, SettingRow>;
