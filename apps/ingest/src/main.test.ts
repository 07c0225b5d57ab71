import { loadSettings } from "@fanfare/config";
import { expect, test } from "vitest";
import { withDefaultBind } from "./default-bind.ts";
import { main } from "./main.ts";

function settings(env: Readonly<Record<string, string>>) {
  return loadSettings({ env: { FANFARE_LOG_LEVEL: "silent", ...env } });
}

test("a worker without a Redis of the cluster's is a mistake in the settings", async () => {
  await expect(main(settings({ FANFARE_STREAM_KEY: "events" }))).rejects.toMatchObject({
    code: "SETTINGS_INVALID",
    errors: [{ path: "FANFARE_REDIS_URL" }],
  });
});

test("a worker with nothing to read from is a mistake in the settings", async () => {
  await expect(withDefaultBind(settings({ FANFARE_ZMQ_BIND: "" }))).rejects.toMatchObject({
    code: "SETTINGS_INVALID",
    errors: [{ path: "FANFARE_ZMQ_BIND" }],
  });
});

test.each([
  { FANFARE_ZMQ_BIND: "tcp://127.0.0.1:5001" },
  { FANFARE_ZMQ_BIND: "off", FANFARE_AMQP_URL: "amqp://127.0.0.1" },
  { FANFARE_ZMQ_BIND: "off", FANFARE_EMITTER_LOG: "on" },
])("what was given is left as it is: %j", async (env) => {
  expect(await withDefaultBind(settings(env))).toEqual(settings(env));
});
