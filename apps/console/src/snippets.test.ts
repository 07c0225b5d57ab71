import { expect, test } from "vitest";
import { snippets } from "./snippets.ts";

const filling = { url: "https://live.example.com", admin: "http://127.0.0.1:9000", channel: "news", token: "a.b.c" };

test("every client's snippet has the address, the channel and the token; without a token it speaks of none", () => {
  for (const { name, code } of snippets(filling).slice(0, 6)) {
    for (const wanted of ["https://live.example.com", "news", "a.b.c"]) expect(code, name).toContain(wanted);
  }
  for (const { name, code } of snippets({ ...filling, token: "" })) {
    expect(code, name).not.toContain("token");
    expect(code, name).not.toMatch(/undefined|, \]|, \}/);
  }
});

test("brackets and quotes are closed", () => {
  for (const { name, code } of [...snippets(filling), ...snippets({ ...filling, token: "" })]) {
    for (const [open, close] of ["()", "[]", "{}"]) {
      expect(code.split(open ?? "").length, `${name} ${open}`).toBe(code.split(close ?? "").length);
    }
    expect((code.split('"').length - 1) % 2, name).toBe(0);
  }
});
