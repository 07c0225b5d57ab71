import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** The console in a browser window of its own, and what a test reads off it. */
export interface ConsolePage {
  readonly page: Page;
  text(testId: string): Promise<string>;
  /** A number on the page, NaN while it is not there. */
  number(testId: string): Promise<number>;
  counters(): Promise<{ missed: number; doubled: number; outOfOrder: number }>;
  /** The pixels of the chart. */
  picture(): Promise<string>;
  /** Errors in the browser's console, exceptions and breaches of the content security policy. */
  readonly complaints: string[];
  /** Where the page's requests went. */
  readonly origins: Set<string>;
  close(): Promise<void>;
}

export async function openConsole(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<ConsolePage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const origins = new Set<string>();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("request", (request) => origins.add(new URL(request.url()).origin));
  page.on("websocket", (socket) => origins.add(new URL(socket.url()).origin.replace(/^ws/, "http")));
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
    counters: async () => ({
      missed: await number("missed"),
      doubled: await number("doubled"),
      outOfOrder: await number("out-of-order"),
    }),
    picture: () => page.evaluate("document.querySelector('canvas').toDataURL()"),
    complaints,
    origins,
    close: () => context.close(),
  };
}
