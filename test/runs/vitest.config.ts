import { defineConfig } from "vitest/config";

/** Minutes each, with figures at the end: `npm run runs -- rolling-restart`. Not part of `npm test` (docs/TESTING.md). */
export default defineConfig({
  test: {
    include: ["test/runs/**/*.run.ts"],
    testTimeout: 900_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
});
