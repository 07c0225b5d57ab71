import { execFile } from "node:child_process";
import { type AddressInfo, connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { type Cluster, startCluster, startRedis } from "@fanfare/test-support";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigFile, type RealBalancer, startRealBalancer } from "./real-balancer.ts";

interface Finding {
  readonly row: string;
  readonly verdict: "good" | "warning" | "fault" | "skipped";
  readonly fault?: string;
}

interface Diagnosis {
  readonly code: number;
  /** The names of what is wrong, by row. */
  readonly wrong: Readonly<Record<string, string>>;
  readonly rows: readonly string[];
}

const cli = fileURLToPath(new URL("../../apps/cli/bin/fanfare.mjs", import.meta.url));
const tls = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}.pem`, import.meta.url));
const page = "https://app.example";
const key = "a-key-for-the-doctor";
const nginx = "nginx/nginx.conf";

let cluster: Cluster;
beforeAll(async () => {
  const env = { FANFARE_CLUSTER_SECRET: "of-all-nodes-and-of-nobody-else", FANFARE_ORIGINS: page };
  cluster = await startCluster({ gateways: 3, env: { ...env, FANFARE_ADMIN_KEYS: `doctor:${key}` } });
});
afterAll(() => cluster.stop());

/** The built command, in a process of its own. It tries no silence unless it is told to. */
function doctor(url: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Diagnosis> {
  const idle = args.includes("--idle") ? [] : ["--idle", "0"];
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("FANFARE_")));
  return new Promise((resolve, reject) => {
    const all = [cli, "doctor", url, "--json", ...idle, ...args];
    execFile(process.execPath, all, { env: { ...inherited, ...env } }, (error, out, err) => {
      if (!out.startsWith("{")) return reject(new Error(`doctor said\n${out}\n${err}`));
      const { findings } = JSON.parse(out) as { readonly findings: readonly Finding[] };
      const wrong = findings.flatMap(({ row, fault }) => (fault === undefined ? [] : [[row, fault] as const]));
      resolve({ code: Number(error?.code ?? 0), wrong: Object.fromEntries(wrong), rows: findings.map(({ row }) => row) });
    });
  });
}

/** A deployment as infra/ has it, with these mistakes in it. */
async function behind(
  file: ConfigFile,
  mistakes: readonly [from: string, to: string][],
  use: (balancer: RealBalancer) => Promise<void>,
): Promise<void> {
  const balancer = await startRealBalancer(file, cluster.gateways, mistakes);
  try {
    await use(balancer);
  } finally {
    await balancer.stop();
  }
}

const withAdmin = () => {
  const { port } = cluster.admin(0);
  return { FANFARE_ADMIN_URL: `http://127.0.0.1:${port}`, FANFARE_ADMIN_KEY: key };
};

test.each([nginx, "haproxy/haproxy.cfg"] as const)("finds nothing wrong behind infra/%s", async (file) => {
  await behind(file, [], async ({ url }) => {
    const { code, wrong, rows } = await doctor(url, ["--origin", page, "--idle", "2s"], withAdmin());
    expect({ code, wrong }).toEqual({ code: 0, wrong: {} });
    const all = [
      "tls",
      "path",
      "clock",
      "polling",
      "websocket",
      "upgrade",
      "round trip",
      "any node",
      "sticky",
      "cors",
      "body",
      "buffering",
      "idle",
    ];
    expect(rows).toEqual(all);
  });
});

test("names an nginx that passes no upgrade on", async () => {
  await behind(nginx, [["proxy_set_header Upgrade $http_upgrade;", ""]], async ({ url }) => {
    const { code, wrong } = await doctor(url);
    expect({ code, wrong }).toEqual({ code: 1, wrong: { websocket: "websocket-upgrade", upgrade: "websocket-upgrade" } });
  });
});

test("names a proxy that buffers, and its idle time-out", async () => {
  const mistakes: [string, string][] = [
    ["proxy_buffering off", "proxy_buffering on"],
    ["proxy_read_timeout 90s", "proxy_read_timeout 2s"],
  ];
  await behind(nginx, mistakes, async ({ url }) => {
    const { code, wrong } = await doctor(url, ["--idle", "3s"]);
    expect({ code, wrong }).toEqual({ code: 1, wrong: { buffering: "buffering", idle: "idle-timeout" } });
  });
});

test("names an idle time-out that cuts websockets only", async () => {
  await behind("haproxy/haproxy.cfg", [["timeout tunnel 90s", "timeout tunnel 1s"]], async ({ url }) => {
    const { code, wrong } = await doctor(url, ["--idle", "2s"]);
    expect({ code, wrong }).toEqual({ code: 1, wrong: { idle: "idle-timeout" } });
  });
});

test("names a path prefix that leads nowhere, and one that nodes do not know", async () => {
  await behind(nginx, [], async ({ url }) => {
    expect(await doctor(`${url}/realtime`)).toMatchObject({ code: 1, wrong: { path: "path-prefix" } });
  });
  await behind(nginx, [["location /socket.io/ {", "location /realtime/ {"]], async ({ url }) => {
    expect(await doctor(`${url}/realtime`)).toMatchObject({ code: 1, wrong: { path: "path-prefix" } });
    expect(await doctor(url)).toMatchObject({ code: 1, wrong: { path: "path-prefix" } });
  });
});

test("names CORS headers that the balancer drops, an origin that the nodes refuse, and a limit of bodies below theirs", async () => {
  const mistakes: [string, string][] = [
    ["proxy_buffering off;", "proxy_buffering off; proxy_hide_header Access-Control-Allow-Origin;"],
    ["client_max_body_size 1m", "client_max_body_size 64k"],
  ];
  await behind(nginx, mistakes, async ({ url }) => {
    const { code, wrong } = await doctor(url, ["--origin", page]);
    expect({ code, wrong }).toEqual({ code: 1, wrong: { cors: "cors", body: "body-limit" } });
  });
  const { code, wrong } = await doctor(cluster.gateway(0).url, ["--origin", "https://other.example"]);
  expect({ code, wrong }).toEqual({ code: 1, wrong: { cors: "cors" } });
});

test("names a chain of certificates that is cut, and TLS that is not there", async () => {
  const listens = (cert: string): [string, string][] => [
    ["listen 8000;", `listen 8000 ssl; ssl_certificate ${tls(cert)}; ssl_certificate_key ${tls("leaf.key")};`],
  ];
  const env = { NODE_EXTRA_CA_CERTS: tls("root.cert") };
  await behind(nginx, listens("leaf.cert"), async ({ url }) => {
    const { code, wrong } = await doctor(url.replace("http:", "https:"), [], env);
    expect({ code, wrong }).toEqual({ code: 1, wrong: { tls: "tls-chain" } });
  });
  await behind(nginx, listens("chain.cert"), async ({ url }) => {
    const { code, wrong } = await doctor(url.replace("http:", "https:"), [], env);
    expect({ code, wrong }).toEqual({ code: 0, wrong: {} });
  });
  await behind(nginx, [], async ({ url }) => {
    expect(await doctor(url.replace("http:", "https:"))).toMatchObject({ code: 1, wrong: { tls: "tls-cut" } });
  });
});

test("names a balancer that is sticky by accident: by a cookie, and by address", async () => {
  const cookie: [string, string][] = [
    ["  balance leastconn\n", "  balance leastconn\n  cookie SERVERID insert indirect nocache\n"],
    ["  server fanfare-1 fanfare-1:8000 check port 8100", "  server fanfare-1 fanfare-1:8000 check port 8100 cookie a"],
  ];
  await behind("haproxy/haproxy.cfg", cookie, async ({ url }) => {
    const sure = await doctor(url, ["--strict"]);
    expect(sure).toMatchObject({ code: 1, wrong: { sticky: "sticky-cookie" } });
  });
  await behind(nginx, [["least_conn;", "ip_hash;"]], async ({ url }) => {
    expect(await doctor(url, [], withAdmin())).toMatchObject({ code: 0, wrong: { sticky: "sticky-address" } });
  });
});

test("names nodes that do not forward to each other", async () => {
  const apart = await startCluster({ gateways: 3, admins: 0, env: { FANFARE_FORWARD: "off" } });
  try {
    const balancer = await startRealBalancer("haproxy/haproxy.cfg", apart.gateways, [
      ["balance leastconn", "balance roundrobin"],
    ]);
    const { code, wrong } = await doctor(balancer.url);
    await balancer.stop();
    expect(code).toBe(1);
    expect(wrong).toMatchObject({ polling: "not-forwarded" });
  } finally {
    await apart.stop();
  }
});

test("names a Redis that evicts, and one that is too old", async () => {
  const redis = await startRedis({ port: true, args: ["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"] });
  const { url } = cluster.gateway(0);
  const old = await olderThanItIs(Number(new URL(redis.url).port));
  try {
    const { code, wrong } = await doctor(url, ["--redis", `redis://127.0.0.1:${old.port}`]);
    expect(code).toBe(1);
    expect(wrong).toMatchObject({ redis: "redis-version", eviction: "redis-policy" });
  } finally {
    old.close();
    await redis.stop();
  }
});

/** A real server that says it is a 6.0: no such old one can be had, and its age is all that is looked at. */
async function olderThanItIs(port: number): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    client.on("error", () => upstream.destroy()).pipe(upstream);
    // Of the same length, because the answer says its own before.
    const older = (text: string) =>
      text.replace(
        /redis_version:([\d.]+)/,
        (_, version: string) => `redis_version:${"6.0.16".padEnd(version.length, "0").slice(0, version.length)}`,
      );
    upstream.on("data", (chunk: Buffer) => client.write(Buffer.from(older(chunk.toString("latin1")), "latin1")));
    upstream.on("error", () => client.destroy()).on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

test("says so when nobody is there", async () => {
  expect(await doctor("http://127.0.0.1:9")).toMatchObject({ code: 1, wrong: { path: "unreachable" } });
});
