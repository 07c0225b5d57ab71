import { until } from "@fanfare/test-support";
import axe from "axe-core";
import type { BrowserContextOptions, Page } from "playwright-core";
import { io } from "socket.io-client";
import { describe, expect, test } from "vitest";
import { consoleFixture } from "./console-fixture.ts";
import { columnsIn } from "./console-page.ts";

const readerKey = "only-looks-around";
/** Each with what is there when it has something to show. */
const views = [
  ["live", ".tile .facts"],
  ["demo", ".crowd"],
  ["channels", ".list, .none"],
  ["channels/demo%3Asine", ".tail li"],
  ["connections", ".list, .none"],
  ["nodes", ".wide-tiles .card"],
  ["access", ".names li"],
  ["snippets", "pre"],
] as const;

const fixture = consoleFixture({ nodes: 2, args: ["--admin-keys", `reader:${readerKey}:read`] });

describe("signing in", () => {
  test("a wrong key is refused in words; a right one leads on and stays in the tab, in no address", async () => {
    const page = await fixture.openAt(`${fixture.up.consoleUrl}#/live`);
    const field = page.page.getByLabel("Admin key");
    await field.fill("wrong");
    await page.page.getByRole("button", { name: "Sign in" }).click();
    await page.shows(/valid admin key is needed/);
    page.forgive(/status of 401/);
    await field.fill(fixture.up.adminKey ?? "");
    await field.press("Enter");
    await page.page.getByTestId("connections").waitFor();
    expect(page.page.url()).not.toContain(fixture.up.adminKey);
    expect(await page.page.evaluate("JSON.stringify(localStorage)")).not.toContain(fixture.up.adminKey);
    await page.page.reload();
    await page.page.getByTestId("connections").waitFor();
    await page.page.getByRole("button", { name: "Sign out" }).click();
    await field.waitFor();
    expect(await page.page.evaluate("sessionStorage.length")).toBe(0);
    await page.page.evaluate(axe.source);
    expect(await violations(page.page)).toEqual([]);
  });

  test("with a key that only reads there is everything to see and nothing to press", async () => {
    const page = await fixture.openView("nodes", { key: readerKey });
    await page.shows("reader (read only)");
    await page.shows("Canary came back");
    await page.page.goto(`${fixture.up.consoleUrl}#/channels/demo%3Asine`);
    await page.page.getByTestId("tail").locator("li").first().waitFor();
    for (const name of ["Drain", "Kill", "Publish", "Fill in a fresh token"]) {
      expect(await page.page.getByRole("button", { name, exact: true }).count()).toBe(0);
    }
  });
});

describe("the views", () => {
  test.each<[string, BrowserContextOptions]>([
    ["light, at a desk", { colorScheme: "light" }],
    ["dark, on a phone", { colorScheme: "dark", viewport: { width: 360, height: 740 } }],
    ["dark, on a wall", { colorScheme: "dark", viewport: { width: 3840, height: 2160 } }],
  ])("all are accessible and fit: %s", async (_name, options) => {
    const page = await fixture.openView("live", options);
    await page.page.evaluate(axe.source);
    for (const [view, filled] of views) {
      await page.page.goto(`${fixture.up.consoleUrl}#/${view}`);
      await page.page
        .locator(`.at-${view.split("/")[0]} :is(${filled})`)
        .first()
        .waitFor();
      // Clients that are sent away while they connect are a complaint of the browser's.
      if (view === "demo") await page.crowd(12);
      await page.page.waitForFunction("!document.querySelector('.plot') || document.querySelector('.plot canvas') !== null");
      expect(await violations(page.page), view).toEqual([]);
      expect(await page.page.evaluate("document.documentElement.scrollWidth - innerWidth"), view).toBe(0);
    }
    page.forgive(/status of 400|WebSocket is closed before/);
  });

  test("Live has a tile for each node, its charts move, and they are filled from before the page was opened", async () => {
    await until(async () => {
      const { items } = await fixture.ask<{ items: unknown[] }>("GET", "/stats/history");
      return items.length >= 4 ? undefined : `${items.length} samples`;
    }, 20_000);
    const page = await fixture.openView("live");
    await until(async () => ((await page.number("publications")) > 5 ? undefined : "no publications"), 15_000);
    const tiles = page.page.locator(".tile");
    await until(async () => ((await tiles.count()) === 2 ? undefined : `${await tiles.count()} tiles`));
    // A line, at the first look, needs samples of before.
    expect(await columnsIn(page.page, "--trace")).toBeGreaterThan(10);
    const first = await page.picture();
    await until(async () => ((await page.picture()) === first ? "the chart stands still" : undefined), 15_000);
  });

  test("charts are as sharp on another screen, to which a window is dragged without a change of its size", async () => {
    const { page } = await fixture.openView("live");
    const ratio = () =>
      page.evaluate<number>("(({ width, clientWidth }) => width / clientWidth)(document.querySelector('canvas'))");
    await page.locator("canvas").first().waitFor();
    expect(await ratio()).toBeCloseTo(1, 1);
    const session = await page.context().newCDPSession(page);
    await session.send("Emulation.setDeviceMetricsOverride", { width: 1280, height: 800, deviceScaleFactor: 2, mobile: false });
    await until(async () => ((await ratio()) > 1.9 ? undefined : `${await ratio()} pixels to one of the style sheet`));
  });

  test("Channels: found by a prefix, followed live, paused, read from an offset", async () => {
    const page = await fixture.openView("channels");
    await page.page.getByLabel("Channel begins with").fill("nothing-begins-with-this");
    await page.shows("No channel that begins with nothing-begins-with-this has a subscriber.");
    await page.page.getByLabel("Channel begins with").fill("demo:sine");
    await page.page.getByLabel("Channel begins with").press("Enter");
    const top = async () =>
      Number.parseInt(((await page.page.getByTestId("tail").locator("b").first().textContent()) ?? "").replaceAll(",", ""), 10);
    await page.page.getByTestId("tail").locator("b").first().waitFor();
    const before = await top();
    await until(async () => ((await top()) > before + 5 ? undefined : "the tail stands still"), 15_000);
    await page.page.getByRole("button", { name: "Pause" }).click();
    await page.page.getByRole("heading", { name: "History" }).waitFor();
    await page.page.getByLabel("Go to offset").fill("20");
    await page.page.getByLabel("Go to offset").press("Enter");
    await until(async () => ((await top()) === 20 ? undefined : `at ${await top()}`), 10_000);
  });

  test("Channels: a form that refuses what is no JSON and says where it was stored", async () => {
    const page = await fixture.openView("channels/public:form");
    const data = page.page.getByLabel("Data, JSON");
    await data.fill("{ no json");
    await page.shows(/No JSON/);
    expect(await page.page.getByRole("button", { name: "Publish", exact: true }).isDisabled()).toBe(true);
    await data.fill('{"sent":"from the page"}');
    await page.page.getByRole("button", { name: "Publish", exact: true }).click();
    await page.shows("Stored at offset 1.");
    await page.page.getByTestId("tail").getByText("from the page").waitFor();
    // A channel that nobody has used is no mistake of the page.
    page.forgive(/status of 404/);
  });

  test("Connections: one is found by its channel, told to hear something, and closed", async () => {
    const socket = io(fixture.up.publicUrl, { forceNew: true, transports: ["websocket"], auth: { channels: ["public:one"] } });
    const heard: unknown[] = [];
    socket.on("message", (data: unknown) => heard.push(data));
    const page = await fixture.openView("connections");
    await page.page.getByLabel("Channel", { exact: true }).fill("public:one");
    await page.page.locator(".rows .row").filter({ hasText: "websocket" }).locator("a").click();
    await page.page.getByRole("heading", { name: "Tell it to" }).waitFor();
    expect(page.page.url()).toContain(socket.id);
    await page.page.getByLabel("Message, JSON").fill('"by hand"');
    await page.page.getByRole("button", { name: "Hear this" }).click();
    await until(() => (heard.includes("by hand") ? undefined : `heard ${heard}`), 10_000);
    await page.page.getByRole("button", { name: "Disconnect for good" }).click();
    await until(() => (socket.connected ? "still connected" : undefined), 10_000);
    socket.disconnect();
    page.forgive(/status of 404/);
  });

  test("by keyboard alone one comes past the views, to another one, and into a channel of a list", async () => {
    const { page } = await fixture.openView("channels");
    const focused = () => page.evaluate("document.activeElement.textContent.trim() || document.activeElement.ariaLabel");
    await page.locator(".rows .row, .none").first().waitFor();
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Skip to the view");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Channel begins with");
    await page.keyboard.type("demo:sine");
    await page.keyboard.press("Enter");
    await page.getByTestId("tail").locator("li").first().waitFor();
    await page.locator(".wordmark").focus();
    for (const view of ["Live", "Demo"]) {
      await page.keyboard.press("Tab");
      expect(await focused()).toBe(view);
    }
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await page.locator(".tile").first().waitFor();
  });

  test("Keys & rules: it is explained why a client may not, and a fresh token of Snippets opens the channel", async () => {
    const page = await fixture.openView("snippets");
    await page.page.getByLabel("Channel").fill("news");
    await page.page.getByRole("button", { name: "Fill in a fresh token" }).click();
    await page.shows(/The token is of the user ada/);
    for (const language of ["Browser", "Node", "Python", "Swift", "Java", "Dart", "curl", "AMQP", "ZeroMQ"]) {
      await page.page.getByText(language, { exact: true }).first().click();
      expect(await page.text("snippet"), language).toMatch(language === "ZeroMQ" ? /send_json/ : /news/);
    }
    await page.page.getByText("Node", { exact: true }).click();
    const code = await page.text("snippet");
    expect(code).toContain(fixture.up.publicUrl);
    const token = /token: "([^"]+)"/.exec(code)?.[1] ?? "";
    await page.page.goto(`${fixture.up.consoleUrl}#/access`);
    await page.page.getByLabel("Channel").fill("news");
    await page.page.getByLabel(/Client token/).fill(token);
    await page.page.getByRole("button", { name: "Explain" }).click();
    await page.page.getByTestId("answers").getByText("FORBIDDEN").first().waitFor();
    await page.shows(/User ada; channels news/);
  });
});

/** Rules of WCAG 2.2 A and AA, and those axe recommends. */
async function violations(page: Page): Promise<readonly string[]> {
  return page.evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes.map(({ target, any }) => target + " " + (any[0]?.message ?? "")).join("; ")))`);
}
