import { until } from "@fanfare/test-support";
import { describe, expect, test } from "vitest";
import { consoleFixture } from "./console-fixture.ts";
import { type ConsolePage, columnsIn, flawless } from "./console-page.ts";

const fixture = consoleFixture({ nodes: 2 });

async function nothingWrong(page: ConsolePage): Promise<void> {
  expect([await page.counters(), await page.counters("crowd-")]).toEqual([flawless, flawless]);
}

describe("trouble, made from the page", () => {
  test("a thousand publications, a cut network and a killed node leave every client at 0/0/0", async () => {
    const page = await fixture.openView("demo");
    await page.crowd(12);
    await fixture.goesOn(page, 5);

    await page.page.getByRole("button", { name: "Publish 1,000" }).click();
    await page.shows("1,000 publications were stored.");
    await fixture.goesOn(page, 5);

    await page.page.getByRole("button", { name: "Cut my network for 5 s" }).click();
    await page.crowd(0);
    await until(async () => ((await columnsIn(page.page, "--marked")) > 0 ? undefined : "the cut is not marked on the chart"));
    await page.crowd(12);
    await fixture.goesOn(page, 5);
    await nothingWrong(page);

    const node = await page.text("node");
    await page.page.getByRole("button", { name: "Kill this node" }).click();
    await page.shows(`${node} was killed`);
    await until(async () => {
      const [status, now] = [await page.text("status"), await page.text("node")];
      return status === "Connected" && now !== node ? undefined : `${status} at ${now}`;
    }, 30_000);
    await page.crowd(12);
    await fixture.goesOn(page, 20);
    await nothingWrong(page);
    page.forgive(/status of (400|502|503)|WebSocket/);
  }, 120_000);

  test("a node is drained from the page, with its progress, and its place is taken", async () => {
    // One that was killed is listed for as long as its lease runs.
    await until(async () => {
      const { items } = await fixture.ask<{ items: unknown[] }>("GET", "/nodes");
      return items.length === 2 ? undefined : `${items.length} nodes`;
    }, 20_000);
    const page = await fixture.openView("nodes");
    const first = page.page.locator(".wide-tiles .card").first();
    const name = (await first.locator("h2").textContent()) ?? "";
    await first.getByRole("button", { name: "Drain" }).click();
    await page.shows(/of \d+ moved/);
    await until(async () => {
      const names = await page.page.locator(".wide-tiles h2").allTextContents();
      return names.length === 2 && !names.includes(name) ? undefined : `there are ${names}, ${name} was drained`;
    }, 30_000);
  });
});
