import { expect, test } from "vitest";
import { parseAnswer } from "./post-connection.ts";

const body = '{"ok":true,"name":"ü"}';
const whole = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\nDate: now\r\n\r\n${body}`);

test("an answer is read once it is whole, and not before", () => {
  for (let length = 0; length < whole.length; length++) expect(parseAnswer(whole.subarray(0, length))).toBeUndefined();
  expect(parseAnswer(whole)).toEqual({ status: 200, body, bytes: whole.length });
});

test("what follows an answer is left alone", () => {
  expect(parseAnswer(Buffer.concat([whole, Buffer.from("HTTP/1.1 503")]))).toMatchObject({ body, bytes: whole.length });
});

test("a refusal keeps its status, and an answer without a length is told", () => {
  expect(parseAnswer(Buffer.from("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"))).toMatchObject({ status: 503, body: "" });
  expect(() => parseAnswer(Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))).toThrow("without a length");
});
