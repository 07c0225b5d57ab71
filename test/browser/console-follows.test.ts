import { promised, until } from "@fanfare/test-support";
import type { Page } from "playwright-core";
import { io, type Socket } from "socket.io-client";
import { afterEach, expect, test } from "vitest";
import { consoleFixture } from "./console-fixture.ts";
import { fiveThousandConnections } from "./stand-ins.ts";

const fixture = consoleFixture({ nodes: 2 });
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});

async function join(channel: string): Promise<Socket> {
  const socket = io(fixture.up.publicUrl, { forceNew: true, transports: ["websocket"], auth: { channels: [channel] } });
  sockets.push(socket);
  await until(() => (socket.connected ? undefined : "not connected"));
  return socket;
}

/** Counts what a page asks for. */
function counting(path: RegExp) {
  let asked = 0;
  let askedAt = performance.now();
  return {
    async first(page: Page): Promise<void> {
      page.on("request", (request) => {
        if (!path.test(new URL(request.url()).pathname)) return;
        asked++;
        askedAt = performance.now();
      });
    },
    asked: () => asked,
    /** Nothing for three seconds, so that nothing of before is under way: views ask once more after two and a half. */
    quiet: () => until(() => (performance.now() - askedAt > 3_000 ? undefined : `asked just now, ${asked} times in all`)),
  };
}

test("a list is asked for when somebody comes, and not while nobody does", async () => {
  const lists = counting(/^\/v1\/connections$/);
  const page = await fixture.openView("connections", { first: lists.first });
  // At once, when the feed tells everything from then on, and once more for what was written late.
  await until(() => (lists.asked() >= 3 ? undefined : `asked ${lists.asked()} times`));
  await page.shows("There is no such connection.");
  await lists.quiet();
  const before = lists.asked();
  // More than twice as long as from one question to the next where there is no feed.
  await page.page.waitForTimeout(9_000);
  expect(lists.asked()).toBe(before);
  const start = performance.now();
  const { id = "" } = await join("public:follows");
  await page.shows(id);
  expect(performance.now() - start).toBeLessThan(promised(4_000));
});

test("whoever types into a filter has the list asked for again, and the feed goes on as it was", async () => {
  const [feeds, lists] = [counting(/^\/v1\/events$/), counting(/^\/v1\/channels$/)];
  const page = await fixture.openView("channels", {
    async first(tab) {
      await feeds.first(tab);
      await lists.first(tab);
    },
  });
  await lists.quiet();
  for (const [filter, asked] of [
    ["no", lists.asked() + 1],
    ["nothing-begins-so", lists.asked() + 2],
  ] as const) {
    await page.page.getByLabel("Channel begins with").fill(filter);
    await until(() => (lists.asked() >= asked ? undefined : "the list is not asked for"));
  }
  await page.shows("No channel that begins with nothing-begins-so has a subscriber.");
  await lists.quiet();
  expect(feeds.asked()).toBe(1);
});

test("a long list is read once, says of when it is, and is read again when somebody asks", async () => {
  const pages = counting(/^\/v1\/connections$/);
  const page = await fixture.openView("connections", {
    async first(tab) {
      await fiveThousandConnections(tab);
      await pages.first(tab);
    },
  });
  await page.reads("listed", "5,000 connections");
  const first = await page.text("as-of");
  expect(first).toMatch(/^as of \d\d:\d\d:\d\d$/);
  // It would be asked for a short one.
  await join("public:one-more");
  await pages.quiet();
  expect([pages.asked(), await page.text("as-of")]).toEqual([5, first]);
  await page.page.getByRole("button", { name: "Read again" }).click();
  await until(async () => ((await page.text("as-of")) === first ? `it is still ${first}` : undefined));
  expect(pages.asked()).toBe(10);
});

test("while the feed cannot be had, lists are asked for again and again", async () => {
  const lists = counting(/^\/v1\/channels$/);
  const page = await fixture.openView("channels", {
    async first(tab) {
      await tab.route("**/v1/events**", (route) => route.abort());
      await lists.first(tab);
    },
  });
  await until(() => (lists.asked() >= 3 ? undefined : `asked ${lists.asked()} times`), 20_000);
  await join("public:unheard-of");
  await page.shows("public:unheard-of");
  page.forgive(/net::ERR_FAILED/);
});

test("Live tells what happens, and what happened to nodes before it was opened", async () => {
  const page = await fixture.openView("live");
  const log = page.page.locator(".log li");
  await until(async () => {
    const joined = await log.filter({ hasText: "node joined" }).count();
    return joined === 2 ? undefined : `${joined} nodes have joined`;
  });
  const { id = "" } = await join("public:told");
  await log.filter({ hasText: "subscribed" }).filter({ hasText: "public:told" }).filter({ hasText: id }).waitFor();
});

test("a node that takes the place of one of the same name is not shown with its progress", async () => {
  const node = {
    node: "gateway-1",
    peerUrl: "http://127.0.0.1:1",
    version: "0",
    startedAt: 1,
    state: "draining",
    connections: 5,
  };
  const page = await fixture.openView("nodes", {
    first: (tab) => tab.route("**/v1/nodes", (route) => route.fulfill({ json: { items: [node], next: null } })),
  });
  await page.shows(/\d+ of \d+ moved/);
  Object.assign(node, { startedAt: 2, state: "ready" });
  await page.page.locator(".tag").getByText("ready").waitFor();
  expect(await page.page.locator("progress").count()).toBe(0);
});

test("that nothing became of nodes is said only where it is known", async () => {
  for (const [status, said] of [
    [200, "Nothing in the last ten minutes."],
    [429, "Nothing yet."],
  ] as const) {
    let answered = 0;
    const page = await fixture.openView("nodes", {
      first: (tab) =>
        tab.route("**/v1/events?follow=false**", (route) => route.fulfill({ status, body: "" }).then(() => answered++)),
    });
    await until(() => (answered === 1 ? undefined : `asked ${answered} times`));
    await page.page.locator(".wide-tiles .card").first().waitFor();
    await page.page.locator(".happenings p").filter({ hasText: said }).waitFor();
    page.forgive(/status of 429/);
  }
});

test("history that could not be had at first is asked for again when the feed is there", async () => {
  const page = await fixture.openView("live", {
    first: (tab) => tab.route("**/v1/stats/history", (route) => route.abort(), { times: 1 }),
  });
  const [again] = await Promise.all([
    page.page.waitForResponse(/\/v1\/stats\/history$/),
    page.page.getByRole("alert").filter({ hasText: "does not answer" }).waitFor(),
  ]);
  expect(again.ok()).toBe(true);
  await page.page.getByRole("alert").waitFor({ state: "detached" });
  page.forgive(/net::ERR_FAILED/);
});

test("whoever signs out follows nothing any more", async () => {
  let open = 0;
  const page = await fixture.openView("nodes", {
    async first(tab) {
      const ofFeed = (url: string) => /\/v1\/events$/.test(url);
      tab.on("response", (response) => ofFeed(response.url()) && open++);
      tab.on("requestfailed", (request) => ofFeed(request.url()) && open--);
    },
  });
  await until(() => (open === 1 ? undefined : `${open} streams are open`));
  await page.page.getByRole("button", { name: "Sign out" }).click();
  await until(() => (open === 0 ? undefined : `${open} streams are open`));
});
