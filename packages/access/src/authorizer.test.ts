import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type ChannelQuestion, FanfareError } from "@fanfare/domain";
import { expect, onTestFinished, test } from "vitest";
import { type AskOutcome, type Authorizer, createAuthorizer } from "./authorizer.ts";
import { anonymous, type Identity } from "./identity.ts";

const secret = "an authorize secret of 32 bytes!";
const about = { user: null, token: "session-7", address: "192.0.2.1", headers: { cookie: "a=b" } };
const question: ChannelQuestion = { action: "subscribe", channel: "orders:7", user: "ada", id: "s1" };

interface Asked {
  readonly body: Record<string, unknown>;
  readonly text: string;
  readonly request: IncomingMessage;
}

/** An application that answers as it is told to, and the authorizer that asks it. Time stands still unless a test moves it. */
async function application(answer: (asked: Asked, response: ServerResponse) => void) {
  const asked: Asked[] = [];
  const outcomes: AskOutcome[] = [];
  const causes: unknown[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => {
      const one = { body: JSON.parse(text), text, request };
      asked.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const time = { ms: 0 };
  const clock = { now: () => 1_800_000_000_000 + time.ms, monotonic: () => time.ms };
  const authorizer: Authorizer = createAuthorizer({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/authorize?x=1`,
    secret,
    clock,
    asked: (_action, outcome, cause) => {
      outcomes.push(outcome);
      if (cause !== undefined) causes.push(cause);
    },
  });
  return { asked, outcomes, causes, time, authorizer, server };
}

const says =
  (body: unknown, status = 200) =>
  (_: Asked, response: ServerResponse) =>
    response
      .writeHead(status, { "content-type": "application/json" })
      .end(typeof body === "string" ? body : JSON.stringify(body));

/** `ok`, or the code of the refusal. */
async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof FanfareError)) throw error;
    return error.code;
  }
}

test("a question is signed together with its time, so that the application knows who asks, and when", async () => {
  const { asked, authorizer } = await application(says({ allow: true }));
  await authorizer.connect(about, anonymous);
  const [{ body, text, request }] = asked as [Asked];
  expect(body).toEqual({ action: "connect", ...about });
  expect([request.method, request.url]).toEqual(["POST", "/authorize?x=1"]);
  expect(request.headers["content-type"]).toBe("application/json");
  expect(request.headers["x-fanfare-timestamp"]).toBe("1800000000");
  const expected = createHmac("sha256", secret).update(`1800000000.${text}`).digest("hex");
  expect(request.headers["x-fanfare-signature"]).toBe(`v1=${expected}`);
  await authorizer.may(question);
  expect(asked[1]?.body).toEqual(question);
});

test("the answer says who the client is and what it may", async () => {
  const grants = { channels: ["orders:*"], publish: ["chat"], join: ["orders:1", "user:ada"], info: { name: "Ada" } };
  const { authorizer } = await application(says({ allow: true, user: "ada", ...grants, expiresAt: 1_800_000_060_000, more: 1 }));
  expect(await authorizer.connect(about, anonymous)).toEqual({
    user: "ada",
    ...grants,
    expiresAt: 1_800_000_060_000,
    issuedAt: 1_800_000_000_000,
  });
});

test("what the answer does not name stays as the token says, and the earlier end holds", async () => {
  const byToken: Identity = { user: "ada", channels: ["a"], publish: ["b"], join: [], expiresAt: 1_800_000_009_000, issuedAt: 5 };
  const { authorizer } = await application(says({ allow: true, publish: [], expiresAt: 1_800_000_060_000 }));
  expect(await authorizer.connect({ ...about, user: "ada" }, byToken)).toEqual({ ...byToken, publish: [] });
});

test.each<[string, unknown, number]>([
  ["allow: false", { allow: false }, 200],
  ["a 401", "", 401],
  ["a 403", { allow: true }, 403],
])("%s is a no", async (_, body, status) => {
  const { authorizer } = await application(says(body, status));
  expect(await outcomeOf(authorizer.connect(about, anonymous))).toBe("FORBIDDEN");
  expect(await authorizer.may(question)).toBe(false);
});

test.each<[string, unknown, number]>([
  ["a 500", { allow: true }, 500],
  ["a 404", { allow: true }, 404],
  ["a 204", "", 204],
  ["nothing", "", 200],
  ["no JSON", "yes", 200],
  ["true", true, 200],
  ["null", null, 200],
  ["a list", [{ allow: true }], 200],
  ["no allow", { user: "ada" }, 200],
  ["an allow that is text", { allow: "true" }, 200],
  ["an allow that is 1", { allow: 1 }, 200],
  ["a user that cannot be", { allow: true, user: "a b" }, 200],
  ["a user that is a number", { allow: true, user: 7 }, 200],
  ["a bare star", { allow: true, channels: ["*"] }, 200],
  ["channels that are text", { allow: true, channels: "a" }, 200],
  ["a join that is not granted", { allow: true, join: ["a"] }, 200],
  ["a negative ttl", { allow: true, ttlSeconds: -1 }, 200],
  ["an expiresAt that is text", { allow: true, expiresAt: "tomorrow" }, 200],
  ["more than 64 KiB", { allow: true, info: "x".repeat(65_536) }, 200],
  ["an info of 200 brackets", `{"allow":true,"info":${"[".repeat(200)}${"]".repeat(200)}}`, 200],
])("an answer with %s allows nothing, and is to be asked for again", async (_, body, status) => {
  const { authorizer, outcomes, causes } = await application(says(body, status));
  expect(await outcomeOf(authorizer.connect(about, anonymous))).toBe("AUTHORIZER_UNAVAILABLE");
  expect(await outcomeOf(authorizer.may(question))).toBe("AUTHORIZER_UNAVAILABLE");
  expect(outcomes).toEqual(["failed", "failed"]);
  expect(causes).toHaveLength(2);
});

test("a redirect is not followed", async () => {
  let followed = 0;
  const { authorizer } = await application(({ request }, response) => {
    if (request.url === "/elsewhere") followed++;
    response.writeHead(307, { location: "/elsewhere" }).end();
  });
  expect(await outcomeOf(authorizer.may(question))).toBe("AUTHORIZER_UNAVAILABLE");
  expect(followed).toBe(0);
});

test("an answer that takes longer than a second is none, also when it has begun", async () => {
  const { authorizer } = await application(({ body }, response) => {
    if (body.action === "subscribe") response.writeHead(200).write('{"allow":');
  });
  const began = performance.now();
  expect(await Promise.all([outcomeOf(authorizer.connect(about, anonymous)), outcomeOf(authorizer.may(question))])).toEqual([
    "AUTHORIZER_UNAVAILABLE",
    "AUTHORIZER_UNAVAILABLE",
  ]);
  expect(performance.now() - began).toBeGreaterThan(900);
});

test("an answer that has expired already lets nobody in", async () => {
  const { authorizer } = await application(says({ allow: true, expiresAt: 1_800_000_000_000 }));
  expect(await outcomeOf(authorizer.connect(about, anonymous))).toBe("TOKEN_EXPIRED");
});

test("an answer is kept for as long as it says, for the same client, channel and action", async () => {
  const { asked, authorizer, time } = await application(says({ allow: true, ttlSeconds: 10 }));
  for (const id of ["s1", "s2"]) await authorizer.may({ ...question, id });
  expect(asked).toHaveLength(1);
  await authorizer.may({ ...question, action: "publish" });
  await authorizer.may({ ...question, channel: "orders:8" });
  await authorizer.may({ ...question, user: "eve" });
  // Who has no name is told apart by session.
  for (const id of ["s1", "s1", "ada"]) await authorizer.may({ ...question, user: null, id });
  expect(asked).toHaveLength(6);
  time.ms = 10_000;
  await authorizer.may(question);
  expect(asked).toHaveLength(7);

  await authorizer.connect(about, anonymous);
  await authorizer.connect({ ...about, address: "192.0.2.2" }, anonymous);
  expect(asked).toHaveLength(8);
  for (const other of [
    { token: "session-8" },
    { headers: { cookie: "a=c" } },
    { headers: { cookie: "a=b", authorization: "x" } },
  ]) {
    await authorizer.connect({ ...about, ...other }, anonymous);
  }
  expect(asked).toHaveLength(11);
});

test("an answer without a ttl is not kept, and a no is kept as a yes is", async () => {
  const answers = [{ allow: true }, { allow: false, ttlSeconds: 5 }];
  const { asked, authorizer } = await application((one, response) => says(answers.shift() ?? { allow: true })(one, response));
  expect(await authorizer.may(question)).toBe(true);
  expect(await authorizer.may(question)).toBe(false);
  expect(await authorizer.may(question)).toBe(false);
  expect(asked).toHaveLength(2);
});

test("what was answered before everything was to be forgotten is not kept, also when it comes afterwards", async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { asked, authorizer } = await application(async (one, response) => {
    if (asked.length === 1) await held;
    says({ allow: true, ttlSeconds: 100 })(one, response);
  });
  const first = authorizer.may(question);
  await expect.poll(() => asked.length).toBe(1);
  authorizer.forget();
  release();
  expect(await first).toBe(true);
  await authorizer.may(question);
  await authorizer.may(question);
  expect(asked).toHaveLength(2);
});

test("a hundred who ask the same at once make one question", async () => {
  const { asked, authorizer } = await application(says({ allow: true }));
  expect(new Set(await Promise.all(Array.from({ length: 100 }, () => authorizer.may(question))))).toEqual(new Set([true]));
  expect(asked).toHaveLength(1);
});

test("an application that fails five times in a row is left alone for two seconds, then tried by one", async () => {
  let broken = true;
  const { asked, outcomes, authorizer, time } = await application((one, response) =>
    says({ allow: true }, broken ? 503 : 200)(one, response),
  );
  const ask = (channel: number) => outcomeOf(authorizer.may({ ...question, channel: `${channel}` }));
  for (let n = 0; n < 5; n++) expect(await ask(n)).toBe("AUTHORIZER_UNAVAILABLE");
  for (let n = 0; n < 50; n++) expect(await ask(n)).toBe("AUTHORIZER_UNAVAILABLE");
  expect(asked).toHaveLength(5);
  expect(outcomes.filter((outcome) => outcome === "held")).toHaveLength(50);
  time.ms = 2_000;
  await Promise.all([1, 2, 3].map(ask));
  expect(asked).toHaveLength(6);
  broken = false;
  time.ms = 4_000;
  expect(await ask(1)).toBe(true);
  expect(await Promise.all([1, 2, 3].map(ask))).toEqual([true, true, true]);
});

test("questions on their way are limited: nobody waits in a long line", async () => {
  const { asked, authorizer, outcomes } = await application(() => undefined);
  const all = Array.from({ length: 600 }, (_, n) => outcomeOf(authorizer.may({ ...question, channel: `${n}` })));
  expect(outcomes.filter((outcome) => outcome === "held")).toHaveLength(88);
  expect(new Set(await Promise.all(all))).toEqual(new Set(["AUTHORIZER_UNAVAILABLE"]));
  expect(asked.length).toBeLessThanOrEqual(512);
});

test("an address with a password is refused at the start: it would be found in logs", () => {
  const clock = { now: () => 0, monotonic: () => 0 };
  const refused = expect.objectContaining({ code: "SETTINGS_INVALID" });
  expect(() => createAuthorizer({ url: "https://fanfare:hunter2@app.example/", secret, clock })).toThrow(refused);
});

test("a secret that is too short is refused at the start", () => {
  const clock = { now: () => 0, monotonic: () => 0 };
  expect(() => createAuthorizer({ url: "http://127.0.0.1", secret: "short", clock })).toThrow(
    expect.objectContaining({ code: "SETTINGS_INVALID" }),
  );
});
