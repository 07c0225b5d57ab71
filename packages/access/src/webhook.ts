import { createHmac } from "node:crypto";
import { FanfareError } from "@fanfare/domain";
import { addressOf, boundedFetch } from "./bounded-fetch.ts";

/** How long the application may take to say that it has them. */
const timeoutMs = 10_000;
/** Nobody reads the answer. */
const answerBytesMax = 65_536;
const secretBytesMin = 32;

export interface WebhookOptions {
  readonly url: string;
  readonly secret: string;
}

/** Hands a body to the application, signed with the time in ms since 1970. Rejects unless it answers 2xx in time. */
export type SendWebhook = (body: string, nowMs: number) => Promise<void>;

/** Throws `SETTINGS_INVALID`. */
export function createWebhook(options: WebhookOptions): SendWebhook {
  const { secret } = options;
  if (Buffer.byteLength(secret) < secretBytesMin) {
    const message = `is too short: it must have at least ${secretBytesMin} bytes`;
    throw new FanfareError("SETTINGS_INVALID", { errors: [{ path: "FANFARE_WEBHOOK_SECRET", message }] });
  }
  const url = addressOf("FANFARE_WEBHOOK_URL", options.url);
  return async (body, nowMs) => {
    const timestamp = String(Math.floor(nowMs / 1_000));
    const headers = {
      "content-type": "application/json",
      "x-fanfare-timestamp": timestamp,
      "x-fanfare-signature": `v1=${createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")}`,
    };
    const { status } = await boundedFetch(url, { method: "POST", headers, body, timeoutMs, answerBytesMax });
    if (status < 200 || status > 299) throw new Error(`the application answered with status ${status}`);
  };
}
