import { PassThrough, Readable, Writable } from "node:stream";
import { until } from "@fanfare/test-support";
import { afterEach, beforeEach, expect, test } from "vitest";
import { answerLines } from "./publish-stream.ts";
import { type Gate, gate } from "./testing/gate.ts";
import { openStream } from "./testing/stream-client.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

let admin: TestAdmin;
let shut: Gate;
beforeEach(async () => {
  admin = await testAdmin({
    keys: ["all:a-secret", "news:news-secret:publish:news"],
    broker: (broker) => {
      shut = gate(broker);
      return shut.broker;
    },
  });
});
afterEach(() => admin.close());

const neverClosing = new AbortController().signal;

test("headers come before the first line, and each answer before the next line is written", async () => {
  shut.open();
  const stream = await openStream(admin);
  expect(stream.status).toBe(200);
  for (let n = 1; n <= 3; n++) {
    stream.write({ channel: "s", data: n });
    await until(() => (stream.answers.length < n ? `${stream.answers.length} answers to ${n} lines` : undefined));
    expect(stream.answers.at(-1)).toMatchObject({ channel: "s", offset: n, duplicate: false });
  }
  stream.end();
  await until(() => (stream.ended ? undefined : "the response has not ended"));
});

test("bad lines get a problem in their place and the stream goes on", async () => {
  shut.open();
  const stream = await openStream(admin);
  stream.write({ channel: "s", data: 1 });
  stream.write("not json");
  stream.write('{"channel":"s","data":1,"x":1}');
  stream.write(`{"channel":"s","data":${"[".repeat(10_000)}`);
  stream.write("");
  stream.write(" \r");
  stream.write({ channels: ["s", "t"], data: 2 });
  stream.request.end('{"channel":"s","data":3}');
  await until(() => (stream.ended ? undefined : "the response has not ended"));
  expect(stream.answers).toMatchObject([
    { offset: 1 },
    { code: "JSON_INVALID" },
    { code: "REQUEST_INVALID" },
    { code: "JSON_TOO_DEEP" },
    {
      results: [
        { channel: "s", offset: 2 },
        { channel: "t", offset: 1 },
      ],
    },
    { offset: 3 },
  ]);
});

test("5000 lines, cut anywhere, are answered in their order", async () => {
  shut.open();
  const stream = await openStream(admin);
  const text = Array.from(
    { length: 5_000 },
    (_, at) => `${JSON.stringify({ channel: `c${at % 7}`, data: "ü".repeat(at % 50) })}\n`,
  ).join("");
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 997) stream.request.write(bytes.subarray(at, at + 997));
  stream.end();
  await until(() => (stream.ended ? undefined : `${stream.answers.length} answers`), 10_000);
  expect(stream.answers.map(({ channel, offset }) => [channel, offset])).toEqual(
    Array.from({ length: 5_000 }, (_, at) => [`c${at % 7}`, Math.floor(at / 7) + 1]),
  );
});

test("while the broker is slow at most 256 lines are in flight, and all are answered in the end", async () => {
  const stream = await openStream(admin);
  for (let n = 0; n < 3_000; n++) stream.write({ channel: "slow", data: n });
  stream.end();
  await until(() => (shut.waiting < 256 ? `${shut.waiting} waiting` : undefined));
  shut.open();
  await until(() => (stream.ended ? undefined : `${stream.answers.length} answers`), 10_000);
  expect(shut.waitingMax).toBe(256);
  expect(stream.answers.map(({ offset }) => offset)).toEqual(Array.from({ length: 3_000 }, (_, at) => at + 1));
});

test("a reader who takes no answers stops the reading of lines", async () => {
  let asked = 0;
  const reads: (() => void)[] = [];
  const written: string[] = [];
  const reader = new Writable({
    highWaterMark: 1_000,
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      reads.push(done);
    },
  });
  const source = Readable.from(
    (function* () {
      for (let n = 0; n < 20_000; n++) yield Buffer.from(`${n}\n`);
    })(),
    { objectMode: false },
  );
  const done = answerLines({
    input: source,
    output: reader,
    answer: async (lines) => {
      asked += lines.length;
      return lines.map((line) => `${JSON.stringify({ line: Number(line) })}\n`).join("");
    },
    closing: neverClosing,
  });

  await until(() => (asked < 256 ? `${asked} asked` : undefined));
  // Whatever could still go on without the reader has its chance: each turn below is a turn of the event loop.
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  expect(asked).toBeLessThanOrEqual(512);

  const pump = setInterval(() => reads.shift()?.(), 0);
  await done;
  clearInterval(pump);
  expect(asked).toBe(20_000);
  const lines = written.join("").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).line)).toEqual(Array.from({ length: 20_000 }, (_, at) => at));
});

test("a line over 1 MiB is answered with PAYLOAD_TOO_LARGE and ends the stream; one of just 1 MiB is published", async () => {
  shut.open();
  const stream = await openStream(admin);
  const line = (length: number) => `{"channel":"big","data":"${"x".repeat(length - 27)}"}`;
  stream.write(line(1_048_576));
  stream.write(line(1_048_577));
  stream.write({ channel: "big", data: "after" });
  await until(() => (stream.ended ? undefined : "the response has not ended"));
  expect(stream.answers).toMatchObject([{ offset: 1 }, { code: "PAYLOAD_TOO_LARGE", status: 413 }]);
  expect(stream.answers).toHaveLength(2);
  stream.end();
});

test("a stream of one endless line is refused without being kept", async () => {
  const stream = await openStream(admin);
  const chunk = "x".repeat(65_536);
  for (let n = 0; n < 20; n++) stream.request.write(chunk);
  await until(() => (stream.ended ? undefined : "the response has not ended"));
  expect(stream.answers).toMatchObject([{ code: "PAYLOAD_TOO_LARGE" }]);
  expect(stream.answers).toHaveLength(1);
  stream.end();
});

test("each line is checked against the key's scopes", async () => {
  shut.open();
  const stream = await openStream(admin, "news-secret");
  stream.write({ channel: "news", data: 1 });
  stream.write({ channel: "other", data: 1 });
  stream.write({ channels: ["news", "other"], data: 1 });
  stream.end();
  await until(() => (stream.ended ? undefined : "the response has not ended"));
  expect(stream.answers).toMatchObject([{ offset: 1 }, { code: "FORBIDDEN" }, { code: "FORBIDDEN" }]);
});

test("lines that the broker did not take say when to try again", async () => {
  shut.breakDown();
  const stream = await openStream(admin);
  stream.write({ channel: "a", data: 1 });
  await until(() => (stream.answers.length === 0 ? "no answer" : undefined));
  expect(stream.answers[0]).toMatchObject({ code: "BROKER_UNAVAILABLE", status: 503, retryAfterMs: 1_000 });
  stream.end();
  await until(() => (stream.ended ? undefined : "the response has not ended"));
});

test("a client that breaks off in the middle leaves nothing behind, and what it had sent is published", async () => {
  const stream = await openStream(admin);
  stream.write({ channel: "cut", data: 1 });
  stream.write('{"channel":"cut","da');
  await until(() => (shut.waiting < 1 ? "nothing is waiting" : undefined));
  stream.request.destroy();
  await until(async () => ((await connections()) > 0 ? "the connection is open" : undefined));
  shut.open();
  const again = await openStream(admin);
  again.write({ channel: "cut", data: 2 });
  again.end();
  await until(() => (again.ended ? undefined : "the response has not ended"));
  expect(again.answers).toMatchObject([{ offset: 2 }]);
});

test("closing the server answers what was read, ends the stream and takes no more", async () => {
  const stream = await openStream(admin);
  stream.write({ channel: "c", data: 1 });
  stream.write({ channel: "c", data: 2 });
  stream.request.write('{"channel":"c",');
  await until(() => (shut.waiting < 2 ? `${shut.waiting} waiting` : undefined));
  const closed = admin.app.close();
  shut.open();
  await until(() => (stream.ended ? undefined : "the response has not ended"));
  expect(stream.answers.map(({ offset }) => offset)).toEqual([1, 2]);
  stream.end();
  await closed;
});

test("an input that fails rejects, whichever side it is", async () => {
  const input = new PassThrough();
  const output = new PassThrough();
  const done = answerLines({ input, output, answer: async () => "1\n", closing: neverClosing });
  input.destroy(new Error("reset"));
  await expect(done).rejects.toThrow("reset");
});

function connections(): Promise<number> {
  return new Promise((resolve, reject) => {
    admin.app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
