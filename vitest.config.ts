import { defineConfig } from "vitest/config";

/**
 * Real processes on a machine that others share can be late. Where nobody watches, such a test gets a second try, and the
 * report says that it needed one; at a desk the first failure counts.
 */
const retry = process.env.CI === undefined ? 0 : 1;

/** Fast ones first: `npx vitest run --project unit`. What a project needs is in docs/TESTING.md. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          retry,
          name: "unit",
          include: [
            "{apps,packages}/*/src/**/*.test.ts",
            "test/support/src/**/*.test.ts",
            "test/infra/**/*.test.ts",
            "test/docs/*.test.ts",
          ],
          exclude: ["**/*.redis.test.ts", "**/node_modules/**", "**/dist/**"],
        },
      },
      {
        test: {
          retry,
          name: "redis",
          include: ["{apps,packages}/*/src/**/*.redis.test.ts", "test/infra/**/*.redis.test.ts"],
          exclude: ["**/node_modules/**", "**/dist/**"],
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          retry,
          name: "cluster",
          include: [
            "test/cluster/**/*.test.ts",
            "test/chaos/**/*.test.ts",
            "test/conformance/**/*.test.ts",
            "test/hostile/**/*.test.ts",
            "test/docs/running/*.test.ts",
          ],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          retry,
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
