import { channelName, FanfareError, isChannelName } from "@fanfare/domain";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Action, authorize } from "./authorize.ts";
import { anonymous, type Identity } from "./identity.ts";
import { parseRules } from "./rules.ts";

const actions: readonly Action[] = ["subscribe", "publish", "presence", "history"];

const ada: Identity = { ...anonymous, user: "ada", expiresAt: 1 };
/** A token that names no user but grants channels. */
const granted: Identity = { ...anonymous, channels: ["x", "ns:*"], publish: ["out", "pub:*"], expiresAt: 1 };

/** `ok`, or the code of the refusal. */
function outcome(audience: string, action: Action, channel: string, identity: Identity, subscribed = false): string {
  const rule = { [action]: audience };
  const rules = parseRules({ namespaces: { default: rule, ns: rule, pub: rule } });
  try {
    authorize(rules, action, channelName(channel), identity, subscribed);
    return "ok";
  } catch (error) {
    return error instanceof FanfareError ? error.code : String(error);
  }
}

test.each(actions)("%s: anyone means anyone, nobody means nobody, user means a token that names one", (action) => {
  for (const identity of [anonymous, ada, granted]) {
    expect(outcome("anyone", action, "x", identity)).toBe("ok");
    expect(outcome("nobody", action, "x", identity)).toBe("FORBIDDEN");
  }
  expect(outcome("user", action, "x", ada)).toBe("ok");
  expect(outcome("user", action, "x", anonymous)).toBe("UNAUTHENTICATED");
  expect(outcome("user", action, "x", granted)).toBe("FORBIDDEN");
});

test.each<Action>(["subscribe", "presence", "history"])("%s: token means a grant in channels, not one in publish", (action) => {
  expect(outcome("token", action, "x", granted)).toBe("ok");
  expect(outcome("token", action, "ns:1", granted)).toBe("ok");
  expect(outcome("token", action, "ns:a:b", granted)).toBe("ok");
  for (const channel of ["out", "pub:1", "ns", "nsx:1", "X", "x1", "x:1"]) {
    expect(outcome("token", action, channel, granted)).toBe("FORBIDDEN");
  }
  expect(outcome("token", action, "x", ada)).toBe("FORBIDDEN");
  expect(outcome("token", action, "x", anonymous)).toBe("UNAUTHENTICATED");
});

test("publish: token means a grant in publish, not one in channels", () => {
  expect(outcome("token", "publish", "out", granted)).toBe("ok");
  expect(outcome("token", "publish", "pub:1", granted)).toBe("ok");
  expect(outcome("token", "publish", "x", granted)).toBe("FORBIDDEN");
  expect(outcome("token", "publish", "ns:1", granted)).toBe("FORBIDDEN");
});

test("a grant opens nothing that the rules keep shut", () => {
  const everything: Identity = { ...ada, channels: ["x"], publish: ["x"] };
  for (const action of actions) expect(outcome("nobody", action, "x", everything, true)).toBe("FORBIDDEN");
});

test.each<Action>(["publish", "presence", "history"])("%s: subscriber means who is subscribed now, whoever that is", (action) => {
  expect(outcome("subscriber", action, "x", anonymous, true)).toBe("ok");
  expect(outcome("subscriber", action, "x", ada, false)).toBe("NOT_SUBSCRIBED");
  expect(outcome("subscriber", action, "x", anonymous, false)).toBe("NOT_SUBSCRIBED");
});

test("a user hears and reads back the own channel and nobody else's; publishing to it takes a rule", () => {
  const rules = parseRules({ namespaces: { default: { subscribe: "anyone", publish: "anyone", history: "anyone" } } });
  const own = channelName("user:ada");
  authorize(rules, "subscribe", own, ada, false);
  authorize(rules, "history", own, ada, false);
  const refused = (action: Action, channel: string, identity: Identity) => {
    let code: string | undefined;
    try {
      authorize(rules, action, channelName(channel), identity, true);
    } catch (error) {
      code = error instanceof FanfareError ? error.code : undefined;
    }
    return code;
  };
  expect(refused("publish", "user:ada", ada)).toBe("FORBIDDEN");
  expect(refused("presence", "user:ada", ada)).toBe("FORBIDDEN");
  expect(refused("subscribe", "user:ada", anonymous)).toBe("UNAUTHENTICATED");
  for (const channel of ["user:", "user:Ada", "user:ada:", "user:ada:x", "user:adam", "user::ada"]) {
    expect(refused("subscribe", channel, ada), channel).toBe("FORBIDDEN");
  }
  expect(refused("subscribe", "user:", anonymous)).toBe("UNAUTHENTICATED");
  expect(refused("subscribe", "user:ada", granted)).toBe("FORBIDDEN");
});

test("a refusal says what was refused", () => {
  const rules = parseRules({ namespaces: { default: { subscribe: "user" } } });
  expect(() => authorize(rules, "subscribe", channelName("x"), anonymous, false)).toThrow(
    "Only users may subscribe to x: connect with a token that names one.",
  );
});

test("no channel is allowed that no rule allows, whatever the file, the token and the channel", () => {
  const word = fc.constantFrom("a", "b", "default", "user", "__proto__", "constructor", "a.b", "");
  const channel = fc
    .array(word, { minLength: 1, maxLength: 3 })
    .map((words) => words.join(":"))
    .filter(isChannelName);
  const audience = fc.constantFrom("anyone", "user", "token", "nobody", "subscriber");
  const entry = fc
    .dictionary(fc.constantFrom(...actions), audience, { noNullPrototype: true })
    .map((rules) => (rules.subscribe === "subscriber" ? { ...rules, subscribe: "nobody" } : rules));
  // From entries, so that __proto__ becomes a member and not the prototype.
  const entries = (name: fc.Arbitrary<string>) => fc.array(fc.tuple(name, entry)).map((pairs) => Object.fromEntries(pairs));
  const file = fc.record({ namespaces: entries(word.filter((name) => name !== "")), channels: entries(channel) });
  const grants = fc.array(
    fc.oneof(
      channel,
      channel.map((name) => `${name}:*`),
    ),
    { maxLength: 3 },
  );
  const identity = fc.record({ user: fc.constantFrom("a", "b"), channels: grants, publish: grants }, { requiredKeys: [] });

  let allowed = 0;
  fc.assert(
    fc.property(file, channel, fc.constantFrom(...actions), identity, fc.boolean(), (written, name, action, who, subscribed) => {
      const rules = parseRules(written);
      try {
        authorize(rules, action, name, { ...anonymous, ...who }, subscribed);
      } catch (error) {
        expect(error).toBeInstanceOf(FanfareError);
        return;
      }
      allowed++;
      // Said again in the words of docs/RULES.md, and only about what is written in the file.
      const own = <Value>(record: Record<string, Value>, key: string) => (Object.hasOwn(record, key) ? record[key] : undefined);
      const colon = name.indexOf(":");
      const namespace = colon < 0 ? undefined : own(written.namespaces, name.slice(0, colon));
      const isOwn = name.startsWith("user:");
      const rule: Partial<Record<Action, string>> | undefined =
        own(written.channels, name) ?? namespace ?? (isOwn ? undefined : own(written.namespaces, "default"));
      const said = rule?.[action];
      const list = (action === "publish" ? who.publish : who.channels) ?? [];
      const isGranted = list.some((grant) => grant === name || (grant.endsWith(":*") && name.startsWith(grant.slice(0, -1))));
      const isOwner = isOwn && name === `user:${who.user}` && (action === "subscribe" || action === "history");
      expect(
        said === "anyone" ||
          (said === "user" && who.user !== undefined) ||
          (said === "token" && isGranted) ||
          (said === "subscriber" && subscribed) ||
          (said === undefined && isOwner),
      ).toBe(true);
    }),
    { numRuns: 3_000 },
  );
  // A property about what is allowed proves nothing if nothing ever is.
  expect(allowed).toBeGreaterThan(100);
});
