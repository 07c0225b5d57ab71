import { startUp, type Up, type UpOptions, until } from "@fanfare/test-support";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { launchBrowser } from "./chromium.ts";
import { type ConsolePage, type Opening, openConsole } from "./console-page.ts";

export interface ConsoleFixture {
  readonly up: Up;
  readonly browser: Browser;
  /** Opens the address in a window of its own. It is closed after the test, and must have had nothing to complain about. */
  openAt(url: string, options?: Opening): Promise<ConsolePage>;
  /** A view for somebody who has signed in in this tab before: with the key of everything, unless another one is given. */
  openView(view: string, options?: Opening): Promise<ConsolePage>;
  /** What the admin API answers. */
  ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Waits until the page's own client shows what was published so many publications after now, by the cluster's own count. */
  goesOn(page: ConsolePage, publications: number): Promise<void>;
}

/** A cluster and a browser for all tests of a file. Called once, outside of tests. */
export function consoleFixture(options: UpOptions): ConsoleFixture {
  let up: Up | undefined;
  let browser: Browser | undefined;
  const opened: ConsolePage[] = [];

  beforeAll(async () => {
    [up, browser] = await Promise.all([startUp(options), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await up?.stop();
  });
  afterEach(async () => {
    const pages = opened.splice(0);
    for (const page of pages) await page.close();
    expect(pages.flatMap(({ complaints }) => complaints)).toEqual([]);
  });

  return {
    get up() {
      return started(up);
    },
    get browser() {
      return started(browser);
    },
    async openAt(url, opening) {
      const page = await openConsole(started(browser), url, opening);
      opened.push(page);
      return page;
    },
    async openView(view, opening) {
      const { consoleUrl, adminKey } = started(up);
      const page = await this.openAt(`${consoleUrl}#/${view}`, { key: adminKey, ...opening });
      await page.page.locator("h1").waitFor();
      return page;
    },
    async ask<Answer>(method: string, path: string, body?: unknown) {
      const { adminUrl, adminKey } = started(up);
      const headers = { authorization: `Bearer ${adminKey}`, "content-type": "application/json" };
      const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
      return (await (await fetch(`${adminUrl}/v1${path}`, init)).json()) as Answer;
    },
    async goesOn(page, publications) {
      const { offset } = await this.ask<{ offset: number }>("GET", "/channels/demo:sine");
      await until(async () => {
        const newest = await page.number("newest");
        return newest >= offset + publications ? undefined : `at ${newest}, not yet at ${offset + publications}`;
      }, 30_000);
    },
  };
}

function started<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error("There is nothing before the tests begin.");
  return part;
}
