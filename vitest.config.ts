import { defineConfig } from "vitest/config";

/**
 * Real processes on a machine that others share can be late. Where nobody watches, such a test gets a second try, and the
 * report says that it needed one; at a desk the first failure counts.
 */
const retry = process.env.CI === undefined ? 0 : 1;

/**
 * How long a test may take at all. Tests wait for facts, so this only ends what hangs: a machine may be ten times slower than
 * the one that they were written on.
 */
const limits = (ms: number) => ({ testTimeout: ms, hookTimeout: ms });

/**
 * Real processes mostly wait: for leases, for faults that have to last, for clients that come back. Three files at a time
 * keep two cores busy and leave enough of them to everybody.
 */
const processes = { maxWorkers: 3, sequence: { groupOrder: 1 } };

/** Fast ones first: `npx vitest run --project unit`. What a project needs is in docs/TESTING.md. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          retry,
          name: "unit",
          ...limits(30_000),
          // Nothing of ours has module-level state, and loading everything anew for each file took longer than the tests.
          isolate: false,
          maxWorkers: "100%",
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
          ...limits(60_000),
          ...processes,
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
          ...limits(120_000),
          ...processes,
        },
      },
      {
        test: {
          retry,
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          ...limits(120_000),
          ...processes,
        },
      },
    ],
  },
});
