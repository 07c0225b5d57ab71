import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { type Welcome, welcomeText } from "./welcome.ts";

const widest: Welcome = {
  publicPort: 65_535,
  adminUrl: "http://127.0.0.1:65535",
  adminKey: "A".repeat(24),
  nodes: 32,
  broker: `Redis at redis+sentinel://${"a-rather-long-host-name.example.com:26379,".repeat(3)}`,
  producer: true,
  terminal: true,
};

test.each([[true], [false]])("the welcome fits into 80 columns (terminal: %s)", (terminal) => {
  const lines = stripVTControlCharacters(welcomeText({ ...widest, terminal })).split("\n");
  for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("piped, the welcome is plain text without frames or colours", () => {
  expect(welcomeText({ ...widest, terminal: false })).toMatch(/^[\x20-\x7e…\n]*$/);
});

test("the curl and the client can be copied as they stand", () => {
  const text = welcomeText({ ...widest, terminal: false });
  expect(text).toContain(`curl http://127.0.0.1:65535/v1/publish \\\n  -H 'Authorization: Bearer ${widest.adminKey}' \\\n`);
  const client = text.slice(text.indexOf("import {"), text.indexOf("-- Ctrl-C")).trim();
  expect(client.split("\n")).toHaveLength(8);
  expect(client).toContain(`io("http://127.0.0.1:65535", {`);
});

test("without the producer nothing is said about its channel", () => {
  expect(welcomeText({ ...widest, producer: false })).not.toContain("demo:sine");
});
