import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { type TestAdmin, testAdmin } from "./testing/test-admin.ts";

let admin: TestAdmin;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "fanfare-console-"));
  await writeFile(join(directory, "index.html"), "<!doctype html><title>Console</title>");
  await writeFile(join(directory, "app.js"), "export {};");
  admin = await testAdmin({ console: directory, url: "https://live.example.com" });
});
afterAll(async () => {
  await admin.close();
  await rm(directory, { recursive: true });
});

test("the console is served under /console/, without a key and under a strict policy", async () => {
  for (const [url, type] of [
    ["/console/", "text/html"],
    ["/console/index.html", "text/html"],
    ["/console/?channel=demo:sine", "text/html"],
    ["/console/app.js", "text/javascript"],
  ] as const) {
    const { status, headers } = await call(admin, "GET", url, { key: null });
    expect(status).toBe(200);
    expect(headers["content-type"]).toContain(type.split("/")[1]);
    expect(headers["content-security-policy"]).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
  }
});

test("the way there is short: / and /console lead to it", async () => {
  for (const url of ["/", "/console"]) {
    const { status, headers } = await call(admin, "GET", url, { key: null });
    expect([301, 302]).toContain(status);
    expect(headers.location).toBe("/console/");
  }
});

test("config.json tells where the nodes are, and nothing else", async () => {
  const { body } = await call(admin, "GET", "/console/config.json", { key: null });
  expect(body).toEqual({ url: "https://live.example.com" });
  const bare = await testAdmin({ console: directory });
  expect((await call(bare, "GET", "/console/config.json", { key: null })).body).toEqual({ url: null });
  await bare.close();
});

test("files outside are not served", async () => {
  for (const path of ["%2e%2e/package.json", "..%2f..%2fetc%2fpasswd", "..%5cpackage.json", "%00", ".hidden"]) {
    const { status } = await call(admin, "GET", `/console/${path}`, { key: null });
    expect([400, 404]).toContain(status);
  }
});

test("a missing file is a problem document, and so is a console that was not built", async () => {
  expect((await call(admin, "GET", "/console/nope.js")).body).toMatchObject({ code: "NOT_FOUND" });
  const bare = await testAdmin();
  for (const url of ["/console/", "/console/app.js"]) {
    const { status, body } = await call(bare, "GET", url);
    expect([status, body.code, body.detail]).toEqual([404, "NOT_FOUND", "The console is not part of this build."]);
  }
  await bare.close();
});

test("the page of the docs loads from here only", async () => {
  const { text, headers } = await call(admin, "GET", "/docs/", { key: null });
  expect(headers["content-security-policy"]).toMatch(/default-src 'none'; script-src 'self';/);
  const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? "");
  expect(links.length).toBeGreaterThan(3);
  for (const link of links) {
    expect(link).toMatch(/^\.\/static\//);
    expect((await call(admin, "GET", `/docs/${link.slice(2)}`, { key: null })).status).toBe(200);
  }
  expect((await call(admin, "GET", "/docs/json", { key: null })).body.openapi).toBe("3.1.0");
});
