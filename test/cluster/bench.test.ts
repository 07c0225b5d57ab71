import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type CapacityFigures, costsOf, demandOf, simulate } from "@fanfare/bench";
import { afterAll, expect, test } from "vitest";

const cli = new URL("../../apps/cli/dist/main.js", import.meta.url).pathname;
const dir = await mkdtemp(join(tmpdir(), "fanfare-bench-test-"));
afterAll(() => rm(dir, { recursive: true }));

interface Report {
  readonly scenarios: readonly {
    readonly tables: readonly {
      readonly series: readonly {
        readonly name: string;
        readonly discarded: readonly string[];
        readonly runs: readonly object[];
      }[];
    }[];
  }[];
}

test("the bench measures real processes side by side, and says what it discarded and why", async () => {
  const out = join(dir, "results.md");
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [cli, "bench", "saturate", "--quick", "--subscribers", "20", "--json", "--out", out],
    { maxBuffer: 2 ** 24 },
  );
  const { series } = (JSON.parse(stdout) as Report).scenarios[0]?.tables[0] ?? { series: [] };
  expect(series.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["fanfare", "stock classic", "stock sharded", "ws loop"]),
  );
  for (const { name, runs, discarded } of series) {
    const [sample] = runs;
    // On a busy machine a reader is late: such a run does not count. Losing or disordering anything never is an excuse.
    if (sample === null) expect(discarded, name).toEqual(discarded.map(() => expect.stringContaining("reader late")));
    else expect(sample, name).toMatchObject({ micros: expect.any(Number), perWrite: expect.any(Number) });
  }
  expect(await readFile(out, "utf8")).toContain("saturate: 20 subscribers");
}, 120_000);

test("what the capacity model says of a small load is what a real cluster uses, within a factor of five", async () => {
  const out = join(dir, "capacity.json");
  const wish = ["capacity", "--quick", "--subscribers", "400", "--connections", "200", "--out", out];
  await promisify(execFile)(process.execPath, [cli, "bench", ...wish], { maxBuffer: 2 ** 24 });
  const measured = JSON.parse(await readFile(out, "utf8")) as CapacityFigures;
  const kept = new URL("../../packages/bench/capacity.json", import.meta.url);
  const costs = costsOf(JSON.parse(await readFile(kept, "utf8")) as CapacityFigures);
  expect(measured.nodes.map(({ nodes }) => nodes)).toEqual([2]);
  for (const { nodes, check } of measured.nodes) {
    const played = simulate(costs, demandOf(check), { nodes, primaries: 1, admins: 1 });
    // A third of a second of so small a load is little CPU, and the machine may be any.
    expect(check.nodeCores / (played.nodeBusy * nodes)).toBeGreaterThan(1 / 5);
    expect(check.nodeCores / (played.nodeBusy * nodes)).toBeLessThan(5);
  }
}, 120_000);
