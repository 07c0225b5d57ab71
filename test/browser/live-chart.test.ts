import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { freePort, startUp, type Up, until } from "@fanfare/test-support";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "./chromium.ts";

const example = fileURLToPath(new URL("../../docs/examples/seed-live-chart/run.mjs", import.meta.url));

let up: Up;
let browser: Browser;
let chart: ChildProcess;
let address: string;

beforeAll(async () => {
  const zmqAddress = `tcp://127.0.0.1:${await freePort()}`;
  [up, browser] = await Promise.all([startUp({ nodes: 2, args: ["--zmq-bind", zmqAddress] }), launchBrowser()]);
  let printed = "";
  chart = spawn(process.execPath, [example, zmqAddress], { env: { ...process.env, FANFARE_URL: up.publicUrl } });
  chart.stdout?.on("data", (text: Buffer) => {
    printed += text;
  });
  await until(() => (/open (\S+)/.test(printed) ? undefined : "the example has not said where its page is"), 10_000);
  address = /open (\S+)/.exec(printed)?.[1] ?? "";
});

afterAll(async () => {
  chart?.kill();
  await browser?.close();
  await up?.stop();
});

/** What the page says: how many points it shows, and the number of the last. */
async function shown(page: Page): Promise<{ points: number; last: number }> {
  const [, points, last] = /^(\d+) points, the last is number (\d+)/.exec((await page.textContent("#state")) ?? "") ?? [];
  return { points: Number(points ?? 0), last: Number(last ?? 0) };
}

test("the page draws what Python sends over ZeroMQ, and one that is opened later shows the same 100 points at once", async () => {
  const first = await browser.newPage();
  await first.goto(address);
  await until(async () => ((await shown(first)).points === 100 ? undefined : JSON.stringify(await shown(first))), 20_000);
  const second = await browser.newPage();
  await second.goto(address);
  await until(async () => ((await shown(second)).points > 0 ? undefined : "nothing is drawn"));
  // All at once: at 20 points a second it would take 5 s to hear as many live.
  expect((await shown(second)).points).toBe(100);
  await until(async () => {
    const [one, other] = [await shown(first), await shown(second)];
    return Math.abs(one.last - other.last) <= 2 ? undefined : `${one.last} and ${other.last}`;
  });
  const ink = await second.evaluate(`(() => {
    const canvas = document.getElementById("chart");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value) => value > 0);
  })()`);
  expect(ink).toBe(true);
});
