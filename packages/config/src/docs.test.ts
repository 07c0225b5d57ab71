import { expect, test } from "vitest";
import { settingsDocs } from "./docs.ts";

test("docs/SETTINGS.md tells of exactly the settings that there are", async () => {
  await expect(settingsDocs()).toMatchFileSnapshot("../../../docs/SETTINGS.md");
});
