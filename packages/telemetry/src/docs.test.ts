import { expect, test } from "vitest";
import { metricsDocs } from "./docs.ts";

test("docs/METRICS.md tells of exactly the metrics that there are", async () => {
  await expect(metricsDocs()).toMatchFileSnapshot("../../../docs/METRICS.md");
});
