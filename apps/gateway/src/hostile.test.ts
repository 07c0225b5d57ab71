import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createTokenVerifier, parseRules } from "@fanfare/access";
import { channelName, clientEvents, eventName, FanfareError, publicationId, validator } from "@fanfare/domain";
import { expect, test } from "vitest";
import { originAllowed } from "./origins.ts";

/*
 * What somebody who wants in might show: each alone is refused, and there are enough of them that nobody need think of the
 * next one first. Whatever gets in by accident should be added here.
 */

const secret = "0123456789abcdef0123456789abcdef";
const nowMs = 1_800_000_000_000;
const now = nowMs / 1_000;
const hour = 3_600_000;
const clock = { now: () => nowMs, monotonic: () => 0 };
const good = { sub: "ada", exp: now + 60 };
const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const attacker = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const pem = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString();

const part = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const hmac = (text: string, key: string | Buffer = secret, hash = "sha256") =>
  createHmac(hash, key).update(text).digest("base64url");
const token = (payload: unknown, header: unknown = { alg: "HS256" }, key: string | Buffer = secret, hash = "sha256") => {
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${hmac(signed, key, hash)}`;
};
const genuine = token(good);
const [header = "", payload = "", signature = ""] = genuine.split(".");
const jwk = attacker.publicKey.export({ format: "jwk" });
const attackersSignature = (head: object) => {
  const signed = `${part(head)}.${part(good)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), attacker.privateKey).toString("base64url")}`;
};

const algorithms = "none None NONE nOnE HS384 HS512 HS1 RS256 RS512 PS256 ES256 EdDSA A128KW dir hs256 HS256\u0000".split(" ");
const headers = [
  { jku: "https://evil.example/keys" },
  { jwk },
  { jwk: { kty: "oct", k: part("x") } },
  { x5u: "https://evil.example/cert" },
  { x5c: ["MIIB"] },
  { kid: "../../../../dev/null" },
  { kid: "' OR 1=1 --" },
  { kid: "0" },
  { typ: "JWE", enc: "A256GCM" },
  { cty: "JWT" },
];
const claims: unknown[] = [
  ...[
    "",
    " ",
    "a b",
    "ada\n",
    "ada\u0000",
    "ada*",
    "{ada}",
    "ad\u0430",
    "a".repeat(201),
    7,
    true,
    null,
    ["ada"],
    { id: "ada" },
  ].map((sub) => ({ ...good, sub })),
  ...[undefined, null, "", `${now + 60}`, [now + 60], {}, true, "never"].map((exp) => ({ ...good, exp })),
  ...[now, now - 1, 0, -1, -1e300].map((exp) => ({ ...good, exp })),
  ...[now + 90_000, 1e12, 1e300, Number.MAX_SAFE_INTEGER].map((exp) => ({ ...good, exp })),
  ...[now + 31, now + 1e9, "soon", null, {}].map((nbf) => ({ ...good, nbf })),
  ...["now", -1, null, {}, [now]].map((iat) => ({ ...good, iat })),
  ...["", 7, null, {}, "j".repeat(201)].map((jti) => ({ ...good, jti })),
  ...["*", "a*", "a:*:b", "**", "a:**", "{0}a", "a b", "", "a:*x", "é", "a\n", 7, null, {}, ["a"], "x".repeat(300)].flatMap(
    (grant) => [
      { ...good, channels: [grant] },
      { ...good, publish: [grant] },
    ],
  ),
  ...["a", "a:*", "user:eve", "*", 7, null].map((name) => ({ ...good, join: [name] })),
  ...["channels", "publish", "join"].flatMap((claim) =>
    ["a", 7, null, {}, { length: 1, 0: "a" }, true].map((value) => ({ ...good, [claim]: value })),
  ),
  { ...good, channels: Array.from({ length: 1_001 }, (_, n) => `c${n}`) },
  { ...good, join: Array.from({ length: 129 }, () => "user:ada") },
];
const texts = ["", "null", "[]", "7", '"ada"', "{", "{}", `{"exp":${now + 60}`, "[".repeat(3_000), "\u0000", "undefined", "NaN"];
const spellings = [
  ...["", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "null", "undefined", "[object Object]", "{}", "Bearer", "0", "%00"],
  `${genuine}.`,
  `.${genuine}`,
  `${genuine}.x`,
  `${genuine}=`,
  `${genuine} `,
  ` ${genuine}`,
  `${genuine}\n`,
  `${genuine}\u0000`,
  `Bearer ${genuine}`,
  `"${genuine}"`,
  `${genuine},${genuine}`,
  `${header}=.${payload}.${signature}`,
  `${header}.${payload}=.${signature}`,
  `${header}.${payload}.${signature}==`,
  `${header}. ${payload}.${signature}`,
  `${header}.${payload}.`,
  `${header}..${signature}`,
  `.${payload}.${signature}`,
  `${header}.${payload}`,
  `${payload}.${header}.${signature}`,
  `${header}.${part({ ...good, sub: "root" })}.${signature}`,
  `${part({ alg: "HS256", x: 1 })}.${payload}.${signature}`,
  `${header}.${payload}.${signature.slice(0, -2)}`,
  `${header}.${payload}.${signature}AA`,
  `${header}.${payload}.${signature.toLowerCase()}`,
  `${header}.${payload}.${"A".repeat(43)}`,
  `${header}.${payload}.${part("")}`,
  `${header}.${payload}.${Buffer.from(signature, "base64url")
    .toString("base64")
    .replace(/[A-Za-z0-9]/, "+")}`,
  genuine.replaceAll(".", "．"),
  genuine.replaceAll(".", "%2E"),
  genuine.replaceAll(".", "\u2024"),
  encodeURIComponent(`${genuine}&`),
  "x".repeat(8_193),
  "e30.".repeat(1_000_000),
];
const keys = [
  "",
  " ",
  "secret",
  "changeme",
  secret.slice(1),
  `${secret}\n`,
  secret.toUpperCase(),
  Buffer.from(secret).toString("base64"),
];

const hostileTokens: unknown[] = [
  ...algorithms.flatMap((alg) => [
    token(good, { alg }),
    token(good, { alg }, ""),
    `${part({ alg })}.${part(good)}.`,
    ...(alg.startsWith("HS") && alg.length === 5 ? [token(good, { alg }, secret, `sha${alg.slice(2)}`)] : []),
  ]),
  ...headers.flatMap((more) => [
    attackersSignature({ alg: "RS256", ...more }),
    attackersSignature({ alg: "HS256", ...more }),
    token(good, { alg: "HS256", ...more }, "another secret of some length !!!"),
  ]),
  ...[["b64"], ["x"], [], "b64", null, ["exp", "alg"]].map((crit) => token(good, { alg: "HS256", b64: false, x: 1, crit })),
  ...[null, [], ["HS256"], 7, {}, "", true, undefined].map((alg) => token(good, { alg })),
  ...claims.map((one) => token(one)),
  ...texts.flatMap((text) => [token(text), `${part(text)}.${payload}.${hmac(`${part(text)}.${payload}`)}`]),
  ...spellings,
  ...keys.map((key) => token(good, { alg: "HS256" }, key)),
  ...[null, undefined, 0, 1, true, [], {}, [genuine], { token: genuine }, Buffer.from(genuine), Symbol.iterator, () => genuine],
].filter((one) => one !== genuine);

test("hostile tokens are refused, each", async () => {
  const bySecret = createTokenVerifier({ secret, ttlMaxMs: 24 * hour, clock });
  const byKey = createTokenVerifier({ publicKey: pem(rsa.publicKey), ttlMaxMs: 24 * hour, clock });
  expect(await bySecret?.verify(genuine)).toMatchObject({ user: "ada" });
  // What the public key, which everybody knows, could be taken for.
  const asSecret = [pem(rsa.publicKey), pem(rsa.publicKey).trim(), pem(rsa.publicKey).replaceAll("\n", "")].flatMap((key) => [
    token(good, { alg: "HS256" }, key),
    token(good, { alg: "HS512" }, key, "sha512"),
  ]);
  for (const [verifier, hostile] of [
    [bySecret, hostileTokens],
    [byKey, [...hostileTokens, ...asSecret, genuine]],
  ] as const) {
    const accepted: unknown[] = [];
    for (const one of hostile) {
      try {
        await verifier?.verify(one);
        accepted.push(one);
      } catch (error) {
        const code = error instanceof FanfareError ? error.code : String(error);
        expect(["TOKEN_INVALID", "TOKEN_EXPIRED"], String(one).slice(0, 100)).toContain(code);
      }
    }
    expect(accepted).toEqual([]);
  }
});

const controls = [
  ...Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)),
  "\u007f",
  "\u0080",
  "\u00a0",
  "\u2028",
  "\ufeff",
];
const punctuation = [..." !\"$%&'()*,;<>?[\\]^`{|}~"];
const hostileNames: unknown[] = [
  ...controls.flatMap((character) => [character, `a${character}b`]),
  ...punctuation.flatMap((character) => [character, `news:${character}`]),
  ...["é", "ａ", "\u0430", "ß", "İ", "😀", "\ud800", "\udc00", "a\u0301", "\u202ea", "\u200b", "ℕ"],
  ...[
    "",
    "a".repeat(256),
    "a".repeat(5_000),
    "x".repeat(1_000_000),
    "{0}news",
    "{0}",
    "news}",
    "a{0}b",
    "user:*",
    "*",
    "**",
    "news:*",
  ],
  ...["../../etc/passwd\u0000", "a\r\nPUBLISH x y", "a b", "%2e%2e%2f%00", "<script>", "$(id)", "a\tb", "news\n"],
  ...[null, undefined, 0, 7, true, [], ["news"], {}, { toString: () => "news" }, Buffer.from("news"), Number.NaN, () => "news"],
];

test("hostile names are no channels, in a call or in a request", () => {
  const asked = validator(clientEvents.SubscribeRequest);
  for (const name of hostileNames) {
    const shown = String(name).slice(0, 50);
    expect(() => channelName(name), shown).toThrow(FanfareError);
    expect(() => asked({ channel: name }), shown).toThrow(FanfareError);
    if (typeof name === "string" && name !== "") {
      const code = expect.objectContaining({ code: "RULES_INVALID" });
      expect(() => parseRules({ channels: { [name]: {} } }), shown).toThrow(code);
    }
  }
});

const hostileEvents: unknown[] = [
  ..."connect connect_error disconnect disconnecting error newListener removeListener fanfare:welcome fanfare: fanfare:closing".split(
    " ",
  ),
  ...controls.slice(0, 33),
  ...["", "e".repeat(256), "\ud800", "a\udc00", null, undefined, 7, [], ["message"], {}, true],
];
const hostileIds: unknown[] = ["", "i".repeat(256), "\ud800", "a\udc00b", null, 7, [], {}, true];

test("hostile events and ids are refused, each", () => {
  for (const event of hostileEvents) expect(() => eventName(event), String(event).slice(0, 50)).toThrow(FanfareError);
  for (const id of hostileIds) expect(() => publicationId(id), String(id).slice(0, 50)).toThrow(FanfareError);
});

const host = "node.example:8000";
const hostileOrigins = [
  ...["null", "", " ", "*", "undefined", "file://", "data:text/html,x", "javascript:alert(1)", "about:blank", "blob:null"],
  ...["http://evil.example", "https://evil.example", "https://evil.example:8000", "http://127.0.0.1", "http://localhost:8000"],
  ...[
    "https://app.example.evil",
    "https://evil-app.example",
    "https://app.example:444",
    "http://app.example",
    "https://APP.example",
  ],
  ...["https://app.example/", "https://app.example/x", "https://app.example.", "https://app.example@evil.example", "app.example"],
  ...[
    "//app.example",
    "https:app.example",
    "https:/app.example",
    " https://app.example",
    "https://app.example ",
    "https://app.example#",
  ],
  ...["https://app.example,https://evil.example", "https://app.example https://evil.example", "https://app.example\u0000.evil"],
  ...[
    "https://sub.app.example",
    "https://app.example%2eevil",
    "https://аpp.example",
    "https://app。example",
    "wss://app.example",
  ],
  ...[
    "http://node.example",
    "http://node.example:80",
    "http://node.example:8001",
    "http://node.example:80000",
    "http://xnode.example:8000",
  ],
  ...[
    "http://node.example:8000.evil",
    "http://node.example:8000@evil.example",
    "http://evil.example#node.example:8000",
    "node.example:8000",
  ],
  ...[
    "http://evil.example/node.example:8000",
    "http://evil.example?node.example:8000",
    "http://evil.example\\@node.example:8000",
  ],
  ...[
    "ftp://node.example:8000",
    "ws://node.example:8000",
    "chrome-extension://node.example:8000",
    "http://user@node.example:8000",
  ],
  ...["http://node.example:8000/", "http://node.example:8000/x", "http://node.example:8000?x", "http://node.example:08000"],
];

test("pages of hostile origins may not connect", () => {
  const allowed = ["https://app.example"];
  const may = (origin: string, of = host) =>
    originAllowed({ headers: { origin, host: of } } as unknown as IncomingMessage, allowed);
  expect([may("https://app.example"), may("http://node.example:8000"), may("https://node.example:8000")]).toEqual([
    true,
    true,
    true,
  ]);
  expect(hostileOrigins.filter((origin) => may(origin))).toEqual([]);
});

test("there are more than five hundred of them", () => {
  const all: readonly unknown[][] = [hostileTokens, hostileNames, hostileEvents, hostileIds, hostileOrigins];
  expect(all.reduce((sum, list) => sum + new Set(list).size, 0)).toBeGreaterThan(500);
});
