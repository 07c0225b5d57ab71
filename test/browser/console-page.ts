import { until } from "@fanfare/test-support";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

export interface Opening extends BrowserContextOptions {
  /** Somebody has signed in with it in this tab before. */
  readonly key?: string | undefined;
  /** Done to the page before it goes anywhere. */
  readonly first?: (page: Page) => Promise<unknown>;
}

export interface Counters {
  readonly missed: number;
  readonly doubled: number;
  readonly outOfOrder: number;
}

export const flawless: Counters = { missed: 0, doubled: 0, outOfOrder: 0 };

/** The console in a browser window of its own, and what a test reads off it. */
export interface ConsolePage {
  readonly page: Page;
  text(testId: string): Promise<string>;
  /** A number on the page, NaN while it is not there. */
  number(testId: string): Promise<number>;
  /** Of the page's own client, or with `crowd-` of the dozen beside it. */
  counters(prefix?: string): Promise<Counters>;
  /** The pixels of the chart. */
  picture(): Promise<string>;
  /** Waits for words anywhere on the page. */
  shows(text: string | RegExp): Promise<void>;
  /** Waits for exactly this. */
  reads(testId: string, wanted: string): Promise<void>;
  /** Waits for so many of the dozen clients to be connected. */
  crowd(connected: number): Promise<void>;
  /** Errors in the browser's console, exceptions and breaches of the content security policy, but for those forgiven. */
  readonly complaints: readonly string[];
  /** Complaints of the browser itself about requests that must fail, and no others; those too that come late. */
  forgive(pattern: RegExp): void;
  /** Where the page's requests went. */
  readonly origins: Set<string>;
  close(): Promise<void>;
}

export async function openConsole(browser: Browser, url: string, { key, first, ...options }: Opening = {}): Promise<ConsolePage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const forgiven: RegExp[] = [];
  const origins = new Set<string>();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("request", (request) => origins.add(new URL(request.url()).origin));
  page.on("websocket", (socket) => origins.add(new URL(socket.url()).origin.replace(/^ws/, "http")));
  if (key !== undefined) {
    await page.addInitScript(`sessionStorage.setItem("fanfare:key", ${JSON.stringify(key)})`);
  }
  await first?.(page);
  await page.goto(url);

  const text = async (testId: string) => {
    const found = page.getByTestId(testId);
    return (await found.count()) === 0 ? "" : ((await found.textContent()) ?? "");
  };
  const number = async (testId: string) => Number.parseFloat((await text(testId)).replaceAll(",", ""));
  return {
    page,
    text,
    number,
    counters: async (prefix = "") => ({
      missed: await number(`${prefix}missed`),
      doubled: await number(`${prefix}doubled`),
      outOfOrder: await number(`${prefix}out-of-order`),
    }),
    picture: () => page.evaluate("document.querySelector('canvas').toDataURL()"),
    shows: (wanted) => page.getByText(wanted).first().waitFor({ timeout: 15_000 }),
    reads: (testId, wanted) =>
      until(async () => {
        const now = await text(testId);
        return now === wanted ? undefined : `${testId} reads "${now}", not "${wanted}"; complaints: ${complaints.join("; ")}`;
      }, 30_000),
    crowd: (connected) =>
      until(async () => {
        const now = await number("crowd-connected");
        return now === connected ? undefined : `${now} of ${connected} connected`;
      }, 30_000),
    get complaints() {
      return complaints.filter((complaint) => !forgiven.some((pattern) => pattern.test(complaint)));
    },
    forgive: (pattern) => void forgiven.push(pattern),
    origins,
    close: () => context.close(),
  };
}

/** How many of the chart's columns of pixels have one of a colour of the style sheet. */
export function columnsIn(page: Page, colour: string): Promise<number> {
  return page.evaluate<number>(`(() => {
    const canvas = document.querySelector("canvas");
    const wanted = getComputedStyle(canvas).getPropertyValue("${colour}").match(/\\d+/g).map(Number);
    const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const is = (at) => data[at + 3] > 200 && wanted.every((part, index) => Math.abs(data[at + index] - part) < 12);
    return Array.from({ length: width }).filter((_, x) => Array.from({ length: height }).some((_, y) => is((y * width + x) * 4))).length;
  })()`);
}
