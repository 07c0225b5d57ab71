import { type FieldError, isChannelName, isEventName, limits, NamespaceRules, RulesFile, validator } from "@fanfare/domain";

type Field = keyof typeof NamespaceRules.properties;

interface Check {
  readonly passes: (value: unknown) => boolean;
  readonly says: string;
}

/*
 * The schema in domain decides. It is asked field by field, because a schema's own messages stop after a few and name
 * each alternative of a union on a line of its own.
 */
const fields = NamespaceRules.properties;
const checks: Readonly<Record<Field, Check>> = {
  subscribe: check(fields.subscribe, oneOf(fields.subscribe)),
  publish: check(fields.publish, oneOf(fields.publish)),
  presence: check(fields.presence, oneOf(fields.presence)),
  history: check(fields.history, oneOf(fields.history)),
  retain: check(fields.retain, "must be { count: 0 to 1000000, seconds: 1 to 31536000 }, both whole numbers"),
  payloadBytesMax: check(fields.payloadBytesMax, `must be a whole number of bytes from 1 to ${limits.bodyBytesMax}`),
  events: { passes: areEventNames, says: "must be a list of at most 100 names that publications may have" },
  joinLeave: check(fields.joinLeave, "must be true or false"),
  trace: check(fields.trace, "must be true or false"),
  slow: check(fields.slow, oneOf(fields.slow)),
};
const wholeFile = validator(RulesFile);
const namespaceName = /^[A-Za-z0-9_.@#=+/-]{1,255}$/;

/** Everything that is wrong with a rules file, each with a JSON pointer to where. */
export function rulesMistakes(value: unknown): FieldError[] {
  if (!isObject(value)) return [{ path: "", message: 'must be an object such as { "namespaces": { … } }' }];
  const mistakes = Object.entries(value).flatMap(([key, entries]) => {
    if (key === "namespaces") {
      return entriesMistakes(key, entries, (name) =>
        namespaceName.test(name) ? undefined : "is not a namespace: what stands before the first colon, without the colon and *",
      );
    }
    if (key === "channels") {
      return entriesMistakes(key, entries, (name) => (isChannelName(name) ? undefined : "is not a channel's whole name"));
    }
    return [{ path: pointer(key), message: "is not known here; a rules file has namespaces and channels" }];
  });
  return mistakes.length > 0 ? mistakes : schemaMistakes(value);
}

function entriesMistakes(section: string, entries: unknown, wrongName: (name: string) => string | undefined): FieldError[] {
  if (!isObject(entries)) return [{ path: pointer(section), message: "must be an object of rules by name" }];
  return Object.entries(entries).flatMap(([name, rules]) => {
    const message = wrongName(name);
    const here = message === undefined ? [] : [{ path: pointer(section, name), message }];
    return [...here, ...entryMistakes([section, name], rules)];
  });
}

function entryMistakes(at: readonly string[], rules: unknown): FieldError[] {
  if (!isObject(rules)) return [{ path: pointer(...at), message: 'must be an object such as { "subscribe": "anyone" }' }];
  const mistakes = Object.entries(rules).flatMap(([field, value]) => {
    if (!Object.hasOwn(checks, field)) {
      return [{ path: pointer(...at, field), message: `is no rule; there are ${Object.keys(checks).join(", ")}` }];
    }
    const { passes, says } = checks[field as Field];
    return passes(value) ? [] : [{ path: pointer(...at, field), message: says }];
  });
  if (mistakes.length > 0) return mistakes;
  const { slow, retain } = rules as NamespaceRules;
  return slow === "catchup" && retain?.count === 0
    ? [{ path: pointer(...at, "slow"), message: "catchup needs a log, but retain.count is 0" }]
    : [];
}

/** The last word: whatever the walk above has let through and the schema has not. */
function schemaMistakes(value: unknown): FieldError[] {
  try {
    wholeFile(value);
    return [];
  } catch (error) {
    return [{ path: "", message: error instanceof Error ? error.message : "is not a rules file" }];
  }
}

function check(schema: Parameters<typeof validator>[0], says: string): Check {
  const validate = validator(schema);
  return {
    says,
    passes(value) {
      try {
        validate(value);
        return true;
      } catch {
        return false;
      }
    },
  };
}

function areEventNames(value: unknown): boolean {
  return Array.isArray(value) && value.length <= 100 && value.every(isEventName);
}

function oneOf(schema: { readonly anyOf: readonly { readonly const: string }[] }): string {
  return `must be one of ${schema.anyOf.map((choice) => choice.const).join(", ")}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** RFC 6901. */
function pointer(...parts: string[]): string {
  return parts.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
