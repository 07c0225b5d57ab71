import { expect, test } from "vitest";
import { runFault } from "./run-fault.ts";

test("the suite can fail: without recovery, clients of a killed node miss what is published meanwhile", async () => {
  const { verdict, recoveries } = await runFault(
    {
      name: "SIGKILL of a node, FANFARE_RECOVERY=off",
      cluster: { env: { FANFARE_RECOVERY: "off" } },
      strike: async ({ cluster }) => void (await cluster.kill(cluster.gateway(0), "SIGKILL")),
    },
    1,
  );
  // The client knows that its session is another, so the judge excuses what it missed; but missed it has.
  expect(verdict.fresh).toBeGreaterThan(0);
  expect(verdict.excused).toBeGreaterThan(0);
  expect(recoveries).toBe(0);
});
