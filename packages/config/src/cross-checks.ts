import { type FieldError, lifecycleTypes } from "@fanfare/domain";
import type { SettingKey, Settings } from "./settings.ts";

/** Mistakes that only show when values are looked at together or from inside. `written` is the name that the person used. */
export function crossChecks(settings: Partial<Settings>, written: (key: SettingKey) => string): FieldError[] {
  return [
    ...oneTokenKey(settings, written),
    ...wholeAuthorizer(settings, written),
    ...wholeWebhook(settings, written),
    ...wholeOrigins(settings, written),
    ...sharedBroker(settings, written),
    ...wholeTls(settings),
  ];
}

/** In memory a broker serves one process. */
function sharedBroker({ workers = 1, redisUrl }: Partial<Settings>, written: (key: SettingKey) => string): FieldError[] {
  if (workers === 1 || redisUrl !== undefined) return [];
  return [{ path: written("workers"), message: "needs FANFARE_REDIS_URL: several workers can only share what is in a Redis" }];
}

function oneTokenKey(settings: Partial<Settings>, written: (key: SettingKey) => string): FieldError[] {
  const ways = (["tokenSecret", "tokenPublicKey", "jwksUrl"] as const).filter((key) => settings[key] !== undefined);
  const [first, ...others] = ways.map(written);
  return others.map((path) => ({ path, message: `is a second way to check tokens beside ${first}: keep one` }));
}

/** An application that cannot tell who asks must not answer, and a secret that signs nothing is a setting gone astray. */
function wholeAuthorizer(
  { authorizeUrl, authorizeSecret }: Partial<Settings>,
  written: (key: SettingKey) => string,
): FieldError[] {
  if ((authorizeUrl === undefined) === (authorizeSecret === undefined)) return [];
  const [there, missing] =
    authorizeUrl === undefined
      ? (["authorizeSecret", "FANFARE_AUTHORIZE_URL"] as const)
      : (["authorizeUrl", "FANFARE_AUTHORIZE_SECRET"] as const);
  return [{ path: written(there), message: `needs ${missing} beside it` }];
}

/** As with the authorizer; and a type that is none would be waited for in vain. */
function wholeWebhook(
  { webhookUrl, webhookSecret, webhookEvents = [] }: Partial<Settings>,
  written: (key: SettingKey) => string,
): FieldError[] {
  const unknown = webhookEvents.filter((type) => !(lifecycleTypes as readonly string[]).includes(type));
  const types = unknown.map((type) => ({
    path: written("webhookEvents"),
    message: `must be of ${lifecycleTypes.join(", ")}, not ${JSON.stringify(type.slice(0, 60))}`,
  }));
  if ((webhookUrl === undefined) === (webhookSecret === undefined)) return types;
  const [there, missing] =
    webhookUrl === undefined
      ? (["webhookSecret", "FANFARE_WEBHOOK_URL"] as const)
      : (["webhookUrl", "FANFARE_WEBHOOK_SECRET"] as const);
  return [...types, { path: written(there), message: `needs ${missing} beside it` }];
}

/** An origin is compared to the letter with what browsers send, so one with a path or in capitals would never match. */
function wholeOrigins({ origins = [] }: Partial<Settings>, written: (key: SettingKey) => string): FieldError[] {
  return origins
    .filter((origin) => origin !== "*" && !(URL.canParse(origin) && new URL(origin).origin === origin))
    .map((origin) => ({
      path: written("origins"),
      message: `must be origins such as https://app.example.com or *, not ${JSON.stringify(origin.slice(0, 60))}`,
    }));
}

/** One half of a pair would silently mean no TLS. */
function wholeTls({ tlsCert, tlsKey }: Partial<Settings>): FieldError[] {
  if ((tlsCert === undefined) === (tlsKey === undefined)) return [];
  const missing = tlsCert === undefined ? "FANFARE_TLS_CERT" : "FANFARE_TLS_KEY";
  return [{ path: missing, message: "is missing: TLS needs the certificate and its key" }];
}
