import { promised, until } from "@fanfare/test-support";
import type { Page } from "playwright-core";
import { io, type Socket } from "socket.io-client";
import { afterEach, expect, test } from "vitest";
import { consoleFixture } from "./console-fixture.ts";

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
function counting(path: RegExp): { readonly first: (page: Page) => Promise<void>; asked(): number } {
  let asked = 0;
  return {
    first: async (page) => {
      page.on("request", (request) => {
        if (path.test(new URL(request.url()).pathname)) asked++;
      });
    },
    asked: () => asked,
  };
}

test("a list is asked for when somebody comes, and not while nobody does", async () => {
  const lists = counting(/^\/v1\/connections$/);
  const page = await fixture.openView("connections", { first: lists.first });
  // At once, when the feed tells everything from then on, and once more for what was written late.
  await until(() => (lists.asked() >= 3 ? undefined : `asked ${lists.asked()} times`));
  await page.shows("There is no such connection.");
  const before = lists.asked();
  // More than twice as long as from one question to the next where there is no feed.
  await page.page.waitForTimeout(9_000);
  expect(lists.asked()).toBe(before);
  const start = performance.now();
  const { id = "" } = await join("public:follows");
  await page.shows(id);
  expect(performance.now() - start).toBeLessThan(promised(4_000));
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
