import { type Authorizer, anonymous, createTokenVerifier, signToken, trustedProxies } from "@fanfare/access";
import type { ConnectQuestion } from "@fanfare/domain";
import { expect, test } from "vitest";
import { identify } from "./identify.ts";
import type { ClientSocket } from "./session.ts";

const secret = "0123456789abcdef0123456789abcdef";
const tokens = createTokenVerifier({ secret });
const trusted = trustedProxies(["10.0.0.0/8"]);

function client(headers: Record<string, string> = {}, address = "10.0.0.1"): ClientSocket {
  return { handshake: { address, headers } } as unknown as ClientSocket;
}

/** An application that lets everybody in and writes down what it was asked. */
function application() {
  const questions: Omit<ConnectQuestion, "action">[] = [];
  const authorizer: Authorizer = {
    async connect(question, byToken) {
      questions.push(question);
      return byToken;
    },
    may: async () => false,
    forget: () => undefined,
  };
  return { questions, authorizer };
}

test("without a token and an application a client is nobody; with a token and nothing to check it with it is refused", async () => {
  const parts = { tokens: undefined, authorizer: undefined, revocations: undefined, trusted };
  expect(await identify(client(), parts, undefined)).toBe(anonymous);
  await expect(identify(client(), parts, "x")).rejects.toMatchObject({ code: "TOKEN_INVALID" });
});

test("the application sees whose request it is behind trusted proxies, and of its headers those that say who it is", async () => {
  const { questions, authorizer } = application();
  const parts = { tokens: undefined, authorizer, revocations: undefined, trusted };
  const headers = {
    cookie: "session=7",
    "x-forwarded-for": "192.0.2.9, 198.51.100.4",
    "x-secret": "no",
    "user-agent": "u".repeat(10_000),
  };
  await identify(client(headers), parts, "my session");
  await identify(client(headers, "203.0.113.5"), parts, undefined);
  expect(questions).toEqual([
    {
      user: null,
      token: "my session",
      address: "198.51.100.4",
      headers: { cookie: "session=7", "user-agent": "u".repeat(8_192) },
    },
    { user: null, token: null, address: "203.0.113.5", headers: { cookie: "session=7", "user-agent": "u".repeat(8_192) } },
  ]);
});

test("a token that is checked here is not shown to the application; a bad one does not come so far", async () => {
  const { questions, authorizer } = application();
  const parts = { tokens, authorizer, revocations: undefined, trusted };
  const token = await signToken({ secret, user: "ada", ttlSeconds: 60 });
  expect(await identify(client(), parts, token)).toMatchObject({ user: "ada" });
  expect(questions).toEqual([{ user: "ada", token: null, address: "10.0.0.1", headers: {} }]);
  await expect(identify(client(), parts, `${token}x`)).rejects.toMatchObject({ code: "TOKEN_INVALID" });
  expect(questions).toHaveLength(1);
});
