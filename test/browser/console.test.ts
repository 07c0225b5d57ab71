import { promised, until } from "@fanfare/test-support";
import { describe, expect, test } from "vitest";
import { consoleFixture } from "./console-fixture.ts";
import { type ConsolePage, flawless, type Opening } from "./console-page.ts";

const fixture = consoleFixture({ nodes: 2 });
const open = (options?: Opening) => fixture.openAt(fixture.up.consoleUrl, options);

async function showsPoints(page: ConsolePage, points: number): Promise<void> {
  await until(async () => {
    const shown = await page.number("points");
    return shown >= points ? undefined : `${shown} of ${points} points`;
  }, 30_000);
}

describe("the console of a cluster", () => {
  test("says Connected, over websocket, with node, session and position, and counts 0/0/0", async () => {
    const page = await open();
    await page.reads("status", "Connected");
    await page.reads("transport", "websocket");
    await fixture.goesOn(page, 10);
    expect(await page.text("node")).toMatch(/[A-Za-z0-9]/);
    expect(await page.text("session")).toMatch(/^\S{10,}$/);
    expect(await page.text("position")).toMatch(/^[A-Za-z0-9_-]+:[1-9][0-9]*$/);
    expect(await page.counters()).toEqual(flawless);
  });

  test("measures how many publications a second there are, as the log of the channel has them", async () => {
    const page = await open();
    await showsPoints(page, 50);
    await until(async () => {
      const path = "/channels/demo:sine/history?reverse=true&limit=100";
      const { publications } = await fixture.ask<{ publications: { at: number }[] }>("GET", path);
      const newest = publications[0]?.at ?? 0;
      const recent = publications.filter(({ at }) => at > newest - 5_000);
      const rate = ((recent.length - 1) * 1_000) / (newest - (recent.at(-1)?.at ?? 0));
      const shown = await page.number("rate");
      return Math.abs(shown - rate) <= 1.5 && rate > 1 ? undefined : `${shown} a second are shown, ${rate} were published`;
    }, promised(30_000));
  });

  test("draws a chart that moves", async () => {
    const page = await open();
    await showsPoints(page, 30);
    const pictures = new Set<string>();
    await until(async () => {
      pictures.add(await page.picture());
      return pictures.size >= 10 ? undefined : `${pictures.size} different pictures`;
    });
  });

  test("shows a page opened later the same points at once", async () => {
    const first = await open();
    await showsPoints(first, 60);
    const early = { oldest: await first.number("oldest"), newest: await first.number("newest") };
    const start = performance.now();
    const second = await open();
    await showsPoints(second, 50);
    // Ten come a second: fifty in less than four did not come live.
    expect(performance.now() - start).toBeLessThan(promised(4_000));
    const late = { oldest: await second.number("oldest"), newest: await second.number("newest") };
    expect(late.oldest).toBeLessThan(early.newest);
    expect(late.newest).toBeGreaterThanOrEqual(early.newest);
    await until(async () => {
      const [a, b] = [await first.number("newest"), await second.number("newest")];
      return Math.abs(a - b) <= 3 ? undefined : `the pages are at ${a} and ${b}`;
    });
    expect(await second.counters()).toEqual(flawless);
  });

  test("goes on over long-polling while websocket is blocked, and back, with nothing lost, doubled or out of order", async () => {
    const page = await open();
    await page.reads("transport", "websocket");
    await fixture.goesOn(page, 10);
    const block = page.page.getByRole("switch", { name: "Block websocket" });
    await block.click();
    await page.reads("transport", "polling");
    await page.reads("status", "Connected");
    await fixture.goesOn(page, 30);
    expect(await page.text("transport")).toBe("polling");
    expect(await page.counters()).toEqual(flawless);
    await block.click();
    await page.reads("transport", "websocket");
    await fixture.goesOn(page, 10);
    expect(await page.counters()).toEqual(flawless);
    // A stock client that leaves long-polling may have one more poll on its way, which its own goodbye overtakes.
    page.forgive(/status of 400/);
  });

  test("works over long-polling where no websocket comes through", async () => {
    const page = await open({ first: (tab) => tab.routeWebSocket(/./, (socket) => socket.close()) });
    await page.reads("status", "Connected");
    await fixture.goesOn(page, 30);
    expect(await page.text("transport")).toBe("polling");
    expect(await page.counters()).toEqual(flawless);
    page.forgive(/WebSocket connection to .* failed/);
  });

  test("says Error while there is no server, and why", async () => {
    const page = await fixture.openAt(`${fixture.up.consoleUrl}?url=${encodeURIComponent("http://127.0.0.1:9")}`);
    await page.reads("status", "Error");
    await page.page.getByText("trying again").waitFor();
    page.forgive(/net::ERR_/);
  });

  test("moves a cursor by the arrow keys and tells the value", async () => {
    const page = await open();
    await showsPoints(page, 30);
    const chart = page.page.getByRole("slider");
    await chart.focus();
    for (let step = 0; step < 5; step++) await page.page.keyboard.press("ArrowLeft");
    const told = await chart.getAttribute("aria-valuetext");
    expect(told).toMatch(/^offset \d+, y \d\.\d{3}$/);
    await fixture.goesOn(page, 5);
    expect(await chart.getAttribute("aria-valuetext")).toBe(told);
    await page.page.keyboard.press("Escape");
    await until(async () => ((await chart.getAttribute("aria-valuetext")) === told ? "the cursor stays" : undefined));
  });

  test("remembers the theme that was chosen", async () => {
    const { page } = await open({ colorScheme: "light" });
    const ground = () => page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    const light = await ground();
    await page.getByText("Dark", { exact: false }).click();
    await until(async () => ((await ground()) === light ? "still light" : undefined));
    const dark = await ground();
    await page.reload();
    await page.getByTestId("status").waitFor();
    expect(await ground()).toBe(dark);
  });

  test.each([[800, 900]])("fits a window of %i × %i", async (width, height) => {
    const { page } = await open({ viewport: { width, height } });
    await page.getByTestId("status").waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    const chart = await page.locator("canvas").boundingBox();
    expect(chart?.width).toBeGreaterThan(250);
    expect(chart?.height).toBeGreaterThan(200);
  });

  test("asks nobody but its cluster, under a strict policy, without a complaint", async () => {
    const page = await open();
    const policy = (await page.page.reload())?.headers()["content-security-policy"] ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain("unsafe");
    await page.reads("transport", "websocket");
    await fixture.goesOn(page, 10);
    const ours = [new URL(fixture.up.consoleUrl).origin, new URL(fixture.up.publicUrl).origin];
    expect([...page.origins].sort()).toEqual(ours.sort());
  });
});
