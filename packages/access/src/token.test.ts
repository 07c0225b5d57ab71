import { createHmac, createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { FanfareError } from "@fanfare/domain";
import fc from "fast-check";
import { SignJWT } from "jose";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createTokenVerifier, signToken, type TokenKeys } from "./token.ts";

const secret = "0123456789abcdef0123456789abcdef";
const nowMs = 1_800_000_000_000;
const now = nowMs / 1_000;
/** Stands still for `exp`, and goes on where a test says so for what is asked again after a while. */
let passedMs = 0;
beforeEach(() => {
  passedMs = 0;
});
const clock = { now: () => nowMs, monotonic: () => passedMs };
const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const pemOf = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString();

function verifierOf(keys: TokenKeys) {
  const verifier = createTokenVerifier({ clock, ...keys });
  if (verifier === undefined) throw new Error("no verifier");
  return verifier;
}

/** What a token comes to: the identity, or the code of the refusal. */
async function outcome(token: unknown, keys: TokenKeys = { secret }): Promise<unknown> {
  try {
    return await verifierOf(keys).verify(token);
  } catch (error) {
    if (!(error instanceof FanfareError)) throw error;
    return error.code;
  }
}

const part = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const hmac = (text: string, key: string, hash = "sha256") => createHmac(hash, key).update(text).digest("base64url");

/** A token put together by hand, so that it can be wrong in ways that no library would sign. */
function handmade(payload: unknown, header: unknown = { alg: "HS256" }, key = secret): string {
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${hmac(signed, key)}`;
}

const good = { sub: "ada", exp: now + 60 };

test("a signed token comes back as the identity that it was made for", async () => {
  const grants = { channels: ["news:*", "zmq"], publish: ["chat:1"], join: ["news:1", "zmq", "user:ada"] };
  const token = await signToken({ secret, user: "ada", ...grants, info: { name: "Ada" }, ttlSeconds: 60, clock });
  expect(await outcome(token)).toEqual({
    user: "ada",
    ...grants,
    info: { name: "Ada" },
    expiresAt: nowMs + 60_000,
    issuedAt: nowMs,
    tokenId: expect.stringMatching(/^.{36}$/),
  });
});

test("a token that names nobody and grants nothing is a token all the same", async () => {
  expect(await outcome(await signToken({ secret, ttlSeconds: 60, clock }))).toEqual({
    channels: [],
    publish: [],
    join: [],
    expiresAt: nowMs + 60_000,
    issuedAt: nowMs,
    tokenId: expect.any(String),
  });
});

test("without a key there is no verifier", () => {
  expect(createTokenVerifier({})).toBeUndefined();
});

test("an expired token is told apart from an invalid one", async () => {
  expect(await outcome(handmade({ ...good, exp: now - 1 }))).toBe("TOKEN_EXPIRED");
  expect(await outcome(handmade({ ...good, exp: now }))).toBe("TOKEN_EXPIRED");
  expect(await outcome(handmade({ ...good, exp: now + 1 }))).toMatchObject({ user: "ada" });
  expect(await outcome(handmade({ ...good, exp: now - 1 }, { alg: "HS256" }, "other"))).toBe("TOKEN_INVALID");
});

test("a token that lives longer than tokens may is refused, and told why", async () => {
  const ttlMaxMs = 3_600_000;
  const until = (seconds: number) => outcome(handmade({ ...good, exp: now + seconds }), { secret, ttlMaxMs });
  expect(await until(3_600)).toMatchObject({ user: "ada" });
  // The clock of who signs may be ahead.
  expect(await until(3_630)).toMatchObject({ user: "ada" });
  expect(await until(3_631)).toBe("TOKEN_INVALID");
  expect(await until(1e300)).toBe("TOKEN_INVALID");
  await expect(verifierOf({ secret, ttlMaxMs }).verify(handmade({ ...good, exp: now + 86_400 }))).rejects.toMatchObject({
    errors: [{ path: "/exp", message: "is more than 3600 s ahead (FANFARE_TOKEN_TTL_MAX_MS)" }],
  });
  await expect(signToken({ secret, ttlSeconds: 3_700, ttlMaxMs, clock })).rejects.toMatchObject({ code: "TOKEN_INVALID" });
});

test("who signs may have a clock that is a little ahead, and not more", async () => {
  expect(await outcome(handmade({ ...good, nbf: now + 30 }))).toMatchObject({ user: "ada" });
  expect(await outcome(handmade({ ...good, nbf: now + 31 }))).toBe("TOKEN_INVALID");
});

test.each(["", "s", "s".repeat(31), "ä".repeat(15)])("the secret %j is refused at the start", async (short) => {
  const refused = { code: "SETTINGS_INVALID", errors: [{ path: "FANFARE_TOKEN_SECRET" }] };
  expect(() => createTokenVerifier({ secret: short })).toThrow(expect.objectContaining({ code: "SETTINGS_INVALID" }));
  await expect(signToken({ secret: short, ttlSeconds: 60 })).rejects.toMatchObject(refused);
  expect(createTokenVerifier({ secret: "ä".repeat(16) })).toBeDefined();
});

test("a token for somebody else, or of somebody else, is refused where it matters", async () => {
  const keys = { secret, issuer: "https://id.example", audience: "fanfare" };
  const right = { ...good, iss: "https://id.example", aud: "fanfare" };
  expect(await outcome(handmade(right), keys)).toMatchObject({ user: "ada" });
  expect(await outcome(handmade({ ...right, aud: ["mail", "fanfare"] }), keys)).toMatchObject({ user: "ada" });
  for (const wrong of [
    { aud: "mail" },
    { aud: [] },
    { aud: "Fanfare" },
    { iss: "https://id.example/" },
    { iss: ["https://id.example"] },
  ]) {
    expect(await outcome(handmade({ ...right, ...wrong }), keys), JSON.stringify(wrong)).toBe("TOKEN_INVALID");
  }
  expect(await outcome(handmade(good), keys)).toBe("TOKEN_INVALID");
});

test("claims that nobody knows are ignored", async () => {
  expect(await outcome(handmade({ ...good, iss: "x", aud: ["y"], scope: "z", admin: true }))).toEqual({
    user: "ada",
    channels: [],
    publish: [],
    join: [],
    expiresAt: nowMs + 60_000,
  });
});

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["null", null],
  ["a number", 1],
  ["an object", { token: handmade(good) }],
  ["a list with a token", [handmade(good)]],
  ["an empty text", ""],
  ["dots", ".."],
  ["one part too many", `${handmade(good)}.x`],
  ["a Bearer prefix", `Bearer ${handmade(good)}`],
  ["a blank behind it", `${handmade(good)} `],
  ["full-width dots", handmade(good).replaceAll(".", "．")],
  ["8 KiB and more", handmade({ ...good, pad: "x".repeat(8_192) })],
  ["ten million characters", "e".repeat(10_000_000)],
  ["a header that is no JSON", `${part("{")}.${part(good)}.${hmac(`${part("{")}.${part(good)}`, secret)}`],
  ["a payload that is no object", handmade("[]")],
  ["a payload of 5000 brackets", handmade("[".repeat(5_000))],
  ["another secret", handmade(good, { alg: "HS256" }, "another")],
  ["an empty secret", handmade(good, { alg: "HS256" }, "")],
  ["no signature", handmade(good).replace(/[^.]+$/, "")],
  ["alg none", `${part({ alg: "none" })}.${part(good)}.`],
  ["alg None with a signature", handmade(good, { alg: "None" })],
  ["no alg", handmade(good, {})],
  ["a list of algs", handmade(good, { alg: ["HS256"] })],
  ["HS512 with the right secret", signedWith("HS512", "sha512")],
  ["an unknown critical header", handmade(good, { alg: "HS256", crit: ["x"], x: 1 })],
  ["an unencoded payload", handmade(good, { alg: "HS256", crit: ["b64"], b64: false })],
  ["no exp", handmade({ sub: "ada" })],
  ["an exp that is text", handmade({ ...good, exp: `${now + 60}` })],
  ["an exp that is null", handmade({ ...good, exp: null })],
  ["an iat that is text", handmade({ ...good, iat: `${now}` })],
  ["an iat before 1970", handmade({ ...good, iat: -1 })],
  ["a jti that is a number", handmade({ ...good, jti: 7 })],
  ["an empty jti", handmade({ ...good, jti: "" })],
  ["a jti of 201 characters", handmade({ ...good, jti: "j".repeat(201) })],
  ["not before tomorrow", handmade({ ...good, nbf: now + 86_400 })],
  ["a sub that is a number", handmade({ ...good, sub: 1 })],
  ["an empty sub", handmade({ ...good, sub: "" })],
  ["a sub with a blank", handmade({ ...good, sub: "a b" })],
  ["a sub in letters that look Latin", handmade({ ...good, sub: "аda" })],
  ["a sub with a line break", handmade({ ...good, sub: "ada\n" })],
  ["a sub of 201 characters", handmade({ ...good, sub: "a".repeat(201) })],
  ["channels that are text", handmade({ ...good, channels: "news:*" })],
  ["channels that are an object", handmade({ ...good, channels: { 0: "news:*", length: 1 } })],
  ["a channel that is a number", handmade({ ...good, channels: [1] })],
  ["a bare star", handmade({ ...good, channels: ["*"] })],
  ["a star in the middle", handmade({ ...good, channels: ["a:*:b"] })],
  ["a star without a colon", handmade({ ...good, publish: ["news*"] })],
  ["a star after a bare colon and a brace", handmade({ ...good, publish: ["{0}:*"] })],
  ["an empty channel", handmade({ ...good, channels: [""] })],
  ["1001 channels", handmade({ ...good, channels: Array.from({ length: 1_001 }, () => "a") })],
  ["a join that is not granted", handmade({ ...good, join: ["news:1"] })],
  ["a join that only publish grants", handmade({ ...good, publish: ["news:*"], join: ["news:1"] })],
  ["a join of a pattern", handmade({ ...good, channels: ["news:*"], join: ["news:*"] })],
  ["a join of somebody else's channel", handmade({ ...good, join: ["user:bob"] })],
  ["a join of user: without a user", handmade({ exp: good.exp, join: ["user:undefined"] })],
  ["an info nested 129 deep", handmade(`{"exp":${good.exp},"info":${"[".repeat(129)}${"]".repeat(129)}}`)],
])("%s is not a token", async (_, token) => {
  expect(await outcome(token)).toBe("TOKEN_INVALID");
});

function signedWith(alg: string, hash: string): string {
  const signed = `${part({ alg })}.${part(good)}`;
  return `${signed}.${hmac(signed, secret, hash)}`;
}

test("an exp in the far future is a far future and not an overflow", async () => {
  expect(await outcome(handmade({ ...good, exp: 1e300 }))).toMatchObject({ expiresAt: 8.64e15 });
});

test("a member __proto__ in the claims changes nothing", async () => {
  const payload = `{"__proto__":{"sub":"root","channels":["a"]},"exp":${good.exp}}`;
  expect(await outcome(handmade(payload))).toEqual({ channels: [], publish: [], join: [], expiresAt: nowMs + 60_000 });
});

test("a public key does not serve as a secret", async () => {
  const publicKey = pemOf(rsa.publicKey);
  for (const key of [publicKey, publicKey.trim(), publicKey.replace(/\n/g, "")]) {
    expect(await outcome(handmade(good, { alg: "HS256" }, key), { publicKey })).toBe("TOKEN_INVALID");
  }
  const signed = `${part({ alg: "RS256" })}.${part(good)}`;
  const genuine = `${signed}.${createSign("sha256").update(signed).sign(rsa.privateKey).toString("base64url")}`;
  expect(await outcome(genuine, { publicKey })).toMatchObject({ user: "ada" });
  expect(await outcome(genuine, { secret })).toBe("TOKEN_INVALID");
});

test("a key that the token brings along is not used", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const jwk = publicKey.export({ format: "jwk" });
  for (const alg of ["RS256", "PS256"]) {
    const forged = await new SignJWT({ sub: "ada" })
      .setProtectedHeader({ alg, jwk })
      .setExpirationTime(good.exp)
      .sign(privateKey);
    expect(await outcome(forged, { publicKey: pemOf(rsa.publicKey) })).toBe("TOKEN_INVALID");
  }
});

const pairs = {
  RS256: rsa,
  PS512: rsa,
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ES384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
  ES512: generateKeyPairSync("ec", { namedCurve: "P-521" }),
  EdDSA: generateKeyPairSync("ed25519"),
  Ed25519: generateKeyPairSync("ed25519"),
};

test.each(Object.entries(pairs))("%s is accepted from its own key only", async (alg, { privateKey, publicKey }) => {
  const token = await new SignJWT({ sub: "ada" }).setProtectedHeader({ alg }).setExpirationTime(good.exp).sign(privateKey);
  expect(await outcome(token, { publicKey: pemOf(publicKey) })).toMatchObject({ user: "ada" });
  expect(await outcome(token, { publicKey: pemOf(publicKey).replaceAll("\n", "\\n") })).toMatchObject({ user: "ada" });
  for (const [other, pair] of Object.entries(pairs)) {
    if (pair === rsa ? privateKey !== rsa.privateKey : other !== alg) {
      expect(await outcome(token, { publicKey: pemOf(pair.publicKey) }), other).toBe("TOKEN_INVALID");
    }
  }
});

test.each([
  ["text that is no key", "hello"],
  ["half a key", pemOf(rsa.publicKey).slice(0, 100)],
  ["a private key", rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString()],
  ["a key of 1024 bits", pemOf(generateKeyPairSync("rsa", { modulusLength: 1_024 }).publicKey)],
  ["a key that cannot sign", pemOf(generateKeyPairSync("x25519").publicKey)],
  ["a curve that is not supported", pemOf(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey)],
])("%s is refused as a public key at the start", (_, publicKey) => {
  expect(() => createTokenVerifier({ publicKey })).toThrow(expect.objectContaining({ code: "SETTINGS_INVALID" }));
});

/** Serves keys as an identity provider does. */
async function keyServer(answer: () => { status: number; body: string }) {
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    const { status, body } = answer();
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`, asked: () => asked };
}

test("an address of keys with a password is refused at the start: it would be found in logs", () => {
  const refused = expect.objectContaining({ code: "SETTINGS_INVALID" });
  expect(() => createTokenVerifier({ jwksUrl: "https://fanfare:hunter2@id.example/keys" })).toThrow(refused);
});

test("published keys are fetched once, the right one is taken, and a symmetric one among them is never used", async () => {
  const { privateKey, publicKey } = pairs.ES256;
  const stolen = { kty: "oct", kid: "b", k: part(secret), alg: "HS256" };
  const keys = [{ ...publicKey.export({ format: "jwk" }), kid: "a", alg: "ES256" }, stolen];
  const { url, asked } = await keyServer(() => ({ status: 200, body: JSON.stringify({ keys }) }));
  const verifier = verifierOf({ jwksUrl: url });
  const header = { alg: "ES256", kid: "a" };
  const token = await new SignJWT({ sub: "ada" }).setProtectedHeader(header).setExpirationTime(good.exp).sign(privateKey);
  expect(await verifier.verify(token)).toMatchObject({ user: "ada" });
  expect(await verifier.verify(token)).toMatchObject({ user: "ada" });
  expect(asked()).toBe(1);
  await expect(verifier.verify(handmade(good, { alg: "HS256", kid: "b" }))).rejects.toMatchObject({ code: "TOKEN_INVALID" });
  const unknown = await new SignJWT({})
    .setProtectedHeader({ alg: "ES256", kid: "z" })
    .setExpirationTime(good.exp)
    .sign(privateKey);
  await expect(verifier.verify(unknown)).rejects.toMatchObject({ code: "TOKEN_INVALID" });
});

const keySet = (...keys: readonly object[]) => JSON.stringify({ keys });
const published = ({ publicKey }: { publicKey: KeyObject }, kid: string, more: object = {}) => ({
  ...publicKey.export({ format: "jwk" }),
  kid,
  ...more,
});
const signedBy = (alg: "ES256" | "EdDSA", kid: string) =>
  new SignJWT({ sub: "ada" }).setProtectedHeader({ alg, kid }).setExpirationTime(good.exp).sign(pairs[alg].privateKey);

test("while the keys cannot be fetched, a token is not called invalid, and later it is accepted", async () => {
  const keys = keySet(published(pairs.EdDSA, "a"));
  const answers = [
    { status: 503, body: "" },
    { status: 200, body: "<html>" },
    { status: 200, body: "{}" },
    { status: 200, body: keySet(...Array.from({ length: 101 }, () => ({}))) },
    { status: 200, body: `${keys}${" ".repeat(262_144)}` },
    { status: 302, body: keys },
  ];
  const failures = answers.length;
  const { url, asked } = await keyServer(() => answers.shift() ?? { status: 200, body: keys });
  const verifier = verifierOf({ jwksUrl: url });
  const token = await signedBy("EdDSA", "a");
  for (let failure = 1; failure <= failures; failure++) {
    passedMs += 1_000;
    // Ten who ask at once, and again at once, make one fetch.
    for (let again = 0; again < 2; again++) {
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => verifier.verify(token).catch(({ code }) => code)));
      expect(new Set(outcomes)).toEqual(new Set(["KEYS_UNAVAILABLE"]));
    }
    expect(asked()).toBe(failure);
  }
  passedMs += 1_000;
  expect(await verifier.verify(token)).toMatchObject({ user: "ada" });
});

test("a token of a key that was published since is accepted, and unknown keys make a fetch at most every 30 s", async () => {
  let keys = keySet(published(pairs.EdDSA, "a"));
  const { url, asked } = await keyServer(() => ({ status: 200, body: keys }));
  const verifier = verifierOf({ jwksUrl: url });
  const [old, young] = await Promise.all([signedBy("EdDSA", "a"), signedBy("ES256", "b")]);
  passedMs = 1_000;
  await verifier.verify(old);
  keys = keySet(published(pairs.EdDSA, "a"), published(pairs.ES256, "b"));
  for (let again = 0; again < 50; again++) {
    await expect(verifier.verify(young)).rejects.toMatchObject({ code: "TOKEN_INVALID" });
  }
  expect(asked()).toBe(1);
  passedMs += 30_000;
  expect(await verifier.verify(young)).toMatchObject({ user: "ada" });
  expect(await verifier.verify(old)).toMatchObject({ user: "ada" });
  expect(asked()).toBe(2);
});

test("keys stay good while they cannot be fetched again, and a key that is no longer published ends with the next fetch", async () => {
  let answer = { status: 200, body: keySet(published(pairs.EdDSA, "a")) };
  const { url, asked } = await keyServer(() => answer);
  const verifier = verifierOf({ jwksUrl: url });
  const token = await signedBy("EdDSA", "a");
  await verifier.verify(token);
  answer = { status: 500, body: "" };
  for (let day = 0; day < 3; day++) {
    passedMs += 86_400_000;
    // Asked again: the fetch of the day before may not have ended, although its request has arrived.
    await vi.waitFor(async () => {
      expect(await verifier.verify(token)).toMatchObject({ user: "ada" });
      expect(asked()).toBe(2 + day);
    });
  }
  answer = { status: 200, body: keySet(published(pairs.ES256, "b")) };
  passedMs += 86_400_000;
  await vi.waitFor(async () => {
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: "TOKEN_INVALID" });
  });
});

test("what is published and no public key for signatures serves for nothing", async () => {
  const keys = keySet(
    published(pairs.EdDSA, "a", { use: "enc" }),
    { ...pairs.ES256.privateKey.export({ format: "jwk" }), kid: "b" },
    { kty: "oct", kid: "c", k: part(secret) },
  );
  const { url } = await keyServer(() => ({ status: 200, body: keys }));
  const verifier = verifierOf({ jwksUrl: url });
  for (const token of [await signedBy("EdDSA", "a"), await signedBy("ES256", "b"), handmade(good, { alg: "HS256", kid: "c" })]) {
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: "TOKEN_INVALID" });
  }
});

test("a token is not signed that would not be accepted", async () => {
  const refused = { code: "TOKEN_INVALID" };
  await expect(signToken({ secret, channels: ["*"], ttlSeconds: 60 })).rejects.toMatchObject(refused);
  await expect(signToken({ secret, join: ["a"], ttlSeconds: 60 })).rejects.toMatchObject(refused);
  await expect(signToken({ secret, user: "a b", ttlSeconds: 60 })).rejects.toMatchObject(refused);
});

test("whatever is presented, and however a good token is bent, the answer is a code", async () => {
  const token = handmade(good);
  const bent = fc.tuple(fc.nat(token.length - 1), fc.string({ minLength: 1, maxLength: 2 })).map(([at, text]) => {
    return token.slice(0, at) + text + token.slice(at + 1);
  });
  const claims = fc.record({ exp: fc.constant(good.exp), sub: fc.json(), channels: fc.jsonValue(), join: fc.jsonValue() });
  const presented = fc.oneof(
    fc.anything(),
    bent,
    claims.map((payload) => handmade(payload)),
  );
  await fc.assert(
    fc.asyncProperty(presented, async (value) => {
      const result = await outcome(value);
      expect(["TOKEN_INVALID", "TOKEN_EXPIRED"].includes(String(result)) || typeof result === "object").toBe(true);
    }),
    { numRuns: 500 },
  );
});
