import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { BrowserContextOptions } from "playwright-core";
import { describe, expect, test } from "vitest";
import { consoleFixture } from "./console-fixture.ts";

const fixture = consoleFixture({ nodes: 2 });

/** UPDATE_SCREENSHOTS=1 writes the pictures that the docs show: of a cluster a node of which was killed, and whose clients went on. */
describe.runIf(process.env.UPDATE_SCREENSHOTS === "1")("has its picture taken", () => {
  test.each<[string, string, BrowserContextOptions]>([
    ["light", "demo", { colorScheme: "light" }],
    ["phone", "demo", { colorScheme: "light", viewport: { width: 360, height: 740 } }],
    ["dark", "live", { colorScheme: "dark" }],
  ])(
    "%s: %s",
    async (name, view, options) => {
      const demo = await fixture.openView("demo", options);
      await demo.crowd(12);
      // Live wants more than a minute of history; the chart of the demo is full after ten seconds.
      await demo.page.waitForTimeout(view === "demo" ? 8_000 : 80_000);
      if (name !== "phone") await demo.page.getByRole("button", { name: "Kill this node" }).click();
      await demo.page.waitForTimeout(view === "demo" ? 5_000 : 12_000);
      demo.forgive(/status of (400|502|503)|WebSocket/);
      const page = view === "demo" ? demo : await fixture.openView(view, options);
      await page.page.waitForTimeout(view === "demo" ? 0 : 4_000);
      const path = fileURLToPath(new URL(`../../docs/images/console-${name}.png`, import.meta.url));
      await page.page.screenshot({ path });
      expect((await stat(path)).size).toBeLessThan(150_000);
    },
    180_000,
  );
});
