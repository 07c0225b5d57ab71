import { expect, test } from "vitest";
import { isWorthShowing, parseLogLine } from "./log-line.ts";

test("a log line is shown as its message and the fields that tell something", () => {
  const line = parseLogLine(
    '{"level":"warn","time":1,"pid":2,"hostname":"h","name":"gateway","role":"commands","ms":5,"msg":"redis is away"}',
  );
  expect(line.text).toBe("redis is away role=commands ms=5");
  expect(isWorthShowing(line)).toBe(true);
});

test("of an error only the sentence is shown", () => {
  const line = parseLogLine(
    '{"level":"error","msg":"failed","err":{"type":"Error","message":"no route","stack":"Error: no route\\n at x"}}',
  );
  expect(line.text).toBe('failed err="no route"');
});

test("information is kept back; what is no log line is shown as it is", () => {
  expect(isWorthShowing(parseLogLine('{"level":"info","msg":"ready","port":1}'))).toBe(false);
  for (const text of ["Segmentation fault", "{ not json", "null", '{"no":"message"}']) {
    expect(parseLogLine(text)).toMatchObject({ level: "error", text });
  }
});
