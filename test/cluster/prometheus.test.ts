import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endWithUs } from "@fanfare/redis-server";
import { freePort, until } from "@fanfare/test-support";
import { expect } from "vitest";
import { queriesOf, withoutVariables } from "../infra/dashboard.ts";
import { find, textOf } from "../infra/programs.ts";
import { test as plain } from "./cluster.ts";

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

interface Prometheus {
  /** What a query gives now: the values of all its series. */
  ask(expr: string): Promise<number[]>;
}

/** What has nothing to show before it happens, because nobody can list all that it may be, or because there is no such part here. */
const empty = /fanfare_(disconnections|requests|connection_errors)_total|fanfare_ingest_/;

const test = plain.extend<{ prometheus: Prometheus }>({
  prometheus: async ({ cluster, onTestFailed }, use) => {
    const dir = await mkdtemp(join(tmpdir(), "fanfare-prometheus-"));
    const port = await freePort();
    const [one, two] = [cluster.gateway(0), cluster.gateway(1)];
    const config = [
      ["fanfare-1:8100", `127.0.0.1:${one.peerPort}`],
      ["fanfare-2:8100", `127.0.0.1:${two.peerPort}`],
      ["admin:9000", `127.0.0.1:${cluster.admin(0).port}`],
      ["scrape_interval: 5s", "scrape_interval: 1s"],
    ].reduce(
      (text, [from = "", to = ""]) => {
        if (!text.includes(from)) throw new Error(`the configuration has no ${from}`);
        return text.replace(from, to);
      },
      textOf("prometheus", "prometheus.yml"),
    );
    await writeFile(join(dir, "prometheus.yml"), config);
    await writeFile(join(dir, "alerts.yml"), textOf("prometheus", "alerts.yml"));
    const program = find("prometheus");
    if (program === undefined) throw new Error("There is no prometheus on this machine, see docs/TESTING.md");
    const address = `127.0.0.1:${port}`;
    const args = [`--config.file=${dir}/prometheus.yml`, `--storage.tsdb.path=${dir}/data`, `--web.listen-address=${address}`];
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    endWithUs(child);
    let printed = "";
    child.stderr.on("data", (text: Buffer) => {
      printed += text;
    });
    onTestFailed(() => console.error(printed));
    await use({
      async ask(expr) {
        const answer = await fetch(`http://${address}/api/v1/query?${new URLSearchParams({ query: expr })}`);
        const { status, error, data } = (await answer.json()) as Answer;
        if (status !== "success") throw new Error(`${expr}: ${error}`);
        return (data?.result ?? []).map(({ value }) => Number(value[1]));
      },
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
    await rm(dir, { recursive: true, force: true });
  },
});
test.override({ clusterOptions: { gateways: 2, admins: 1 } });

test("Prometheus reads every process, the dashboard shows what they do, and no alert fires", async ({ cluster, prometheus }) => {
  const ada = await cluster.client({ via: cluster.gateway(0), channels: ["public:news"] });
  const bob = await cluster.client({ via: cluster.gateway(1), channels: ["public:news"] });
  const ask = (expr: string): Promise<number[]> => prometheus.ask(expr).catch(() => []);
  await until(async () => ((await ask('sum(up{job=~"fanfare.*"})'))[0] === 3 ? undefined : "not all are read"), 20_000);
  let published = 0;
  await until(async () => {
    // A rate needs two looks at a counter that grows between them.
    await cluster.publish("public:news", ++published);
    const queries = queriesOf().filter(([, expr]) => !empty.test(expr));
    const values = await Promise.all(queries.map(([, expr]) => prometheus.ask(withoutVariables(expr))));
    const silent = queries.filter((_, at) => values[at]?.length === 0).map(([title, expr]) => `${title}: ${expr}`);
    return silent.length === 0 ? undefined : `nothing to see of ${silent.join("\n")}`;
  }, 30_000);
  await until(() => (ada.heard("public:news").length + bob.heard("public:news").length === 2 * published ? undefined : "late"));
  await until(
    async () => ((await ask("sum(fanfare_connections)"))[0] === 2 ? undefined : "the connections are not seen"),
    10_000,
  );
  expect(await prometheus.ask("sum(fanfare_ready)")).toEqual([2]);
  expect(await prometheus.ask('count(ALERTS{alertstate="firing"})')).toEqual([]);
});
