import { defineConfig } from "vitest/config";

/** Fast ones first: `npx vitest run --project unit`. What a project needs is in docs/TESTING.md. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{apps,packages}/*/src/**/*.test.ts", "test/support/src/**/*.test.ts"],
          exclude: ["**/*.redis.test.ts", "**/node_modules/**", "**/dist/**"],
        },
      },
      {
        test: {
          name: "redis",
          include: ["{apps,packages}/*/src/**/*.redis.test.ts"],
          exclude: ["**/node_modules/**", "**/dist/**"],
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: "cluster",
          include: ["test/cluster/**/*.test.ts", "test/chaos/**/*.test.ts", "test/conformance/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
