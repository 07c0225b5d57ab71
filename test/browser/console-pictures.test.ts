import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { BrowserContextOptions } from "playwright-core";
import { describe, expect, test } from "vitest";
import { consoleFixture } from "./console-fixture.ts";

const fixture = consoleFixture({ nodes: 2 });

/** UPDATE_SCREENSHOTS=1 writes the pictures that the docs show; Live first waits for a minute of history. */
describe.runIf(process.env.UPDATE_SCREENSHOTS === "1")("has its picture taken", () => {
  test.each<[string, string, BrowserContextOptions]>([
    ["light", "demo", { colorScheme: "light" }],
    ["phone", "demo", { colorScheme: "light", viewport: { width: 360, height: 740 } }],
    ["dark", "live", { colorScheme: "dark" }],
  ])(
    "%s: %s",
    async (name, view, options) => {
      const watched = await fixture.openView("demo");
      await watched.crowd(12);
      if (view === "live") await watched.page.waitForTimeout(70_000);
      const page = await fixture.openView(view, options);
      await page.page.waitForTimeout(view === "demo" ? 12_000 : 3_000);
      const path = fileURLToPath(new URL(`../../docs/images/console-${name}.png`, import.meta.url));
      await page.page.screenshot({ path });
      expect((await stat(path)).size).toBeLessThan(150_000);
    },
    120_000,
  );
});
