import { FanfareError } from "@fanfare/domain";
import { ReplyError } from "ioredis";
import { expect, test } from "vitest";
import { asBrokerError } from "./redis-errors.ts";

test.each([
  ["OOM command not allowed when used memory > 'maxmemory'. script: f00, on @user_script:41.", "BROKER_FULL"],
  ["ERR Error running script (call to f_f00): @user_script:41: @user_script: 41: -OOM command not allowed", "BROKER_FULL"],
  ["READONLY You can't write against a read only replica.", "BROKER_UNAVAILABLE"],
  ["ERR Error running script (call to f_f00): @user_script: 41: -READONLY You can't write", "BROKER_UNAVAILABLE"],
  ["LOADING Redis is loading the dataset in memory", "BROKER_UNAVAILABLE"],
  ["CLUSTERDOWN The cluster is down", "BROKER_UNAVAILABLE"],
  ["MASTERDOWN Link with MASTER is down", "BROKER_UNAVAILABLE"],
  ["NOAUTH Authentication required.", "BROKER_UNAVAILABLE"],
  ["NOREPLICAS Not enough good replicas to write.", "BROKER_UNAVAILABLE"],
  ["MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", "BROKER_UNAVAILABLE"],
  ["WRONGTYPE Operation against a key holding the wrong kind of value", "INTERNAL"],
  ["ERR value is not an integer or out of range", "INTERNAL"],
  ["ERR the word OOM in a text", "INTERNAL"],
])("the answer %s is %s", (message, code) => {
  const thrown = new ReplyError(message) as Error;
  const error = asBrokerError(thrown);
  expect(error.code).toBe(code);
  expect(error.cause).toBe(thrown);
});

test.each(["Command timed out", "Connection is closed.", "connect ECONNREFUSED", "Stream isn't writeable"])(
  "without an answer (%s) the broker is unavailable",
  (message) => {
    expect(asBrokerError(new Error(message)).code).toBe("BROKER_UNAVAILABLE");
  },
);

test("a mistake in our own code is not blamed on the broker", () => {
  expect(asBrokerError(new TypeError("undefined is not a function")).code).toBe("INTERNAL");
  expect(asBrokerError("text").code).toBe("INTERNAL");
});

test("an error of the catalogue stays what it is", () => {
  const error = new FanfareError("DRAINING");
  expect(asBrokerError(error)).toBe(error);
});
