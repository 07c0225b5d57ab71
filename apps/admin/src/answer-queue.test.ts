import { Writable } from "node:stream";
import { until } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { AnswerQueue } from "./answer-queue.ts";

/** A reader that takes everything. */
function reader(): { out: Writable; text: () => string } {
  let text = "";
  const out = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { out, text: () => text };
}

function later(): { promise: Promise<string>; resolve: (text: string) => void } {
  let resolve: (text: string) => void = () => undefined;
  const promise = new Promise<string>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

test("answers that come in any order are written in the order of their requests, the first as soon as it can be", async () => {
  const { out, text } = reader();
  const queue = new AnswerQueue(out, 10);
  const answers = [later(), later(), later(), later()];
  for (const { promise } of answers) queue.push(promise, 1);

  answers[3]?.resolve("d");
  answers[1]?.resolve("b");
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(text()).toBe("");
  answers[0]?.resolve("a");
  await until(() => (text() === "ab" ? undefined : text()));
  expect(queue.inFlight).toBe(2);
  answers[2]?.resolve("c");
  await queue.drained();
  expect(text()).toBe("abcd");
});

test("there is room when fewer than allowed are in flight, and for whoever waits when one is done", async () => {
  const { out } = reader();
  const queue = new AnswerQueue(out, 5);
  const first = later();
  queue.push(first.promise, 3);
  expect(await queue.room()).toBe(2);
  queue.push(later().promise, 2);
  let roomy = 0;
  const room = queue.room().then((count) => {
    roomy = count;
  });
  await new Promise(setImmediate);
  expect(roomy).toBe(0);
  first.resolve("abc");
  await room;
  expect(roomy).toBe(3);
});

test("nobody waits for a reader that is gone", async () => {
  const { out } = reader();
  const queue = new AnswerQueue(out, 1);
  queue.push(later().promise, 1);
  const waiting = queue.room();
  out.destroy();
  await waiting;
  await queue.drained();
});
