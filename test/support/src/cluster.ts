import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RulesFile } from "@fanfare/domain";
import { startBalancer } from "./balancer.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import type { Acked } from "./history.ts";
import { type StartRedisOptions, startRedis, type TestRedis } from "./redis.ts";
import { Rest } from "./rest.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";
import { TestClient, type TestClientOptions } from "./test-client.ts";

export interface ClusterOptions extends ProcessOptions {
  /** How its redis-server is started. */
  readonly redis?: StartRedisOptions;
}

interface ProcessOptions {
  readonly gateways?: number;
  readonly admins?: number;
  /** Puts a fault proxy between every gateway and Redis, which then is one server at a port. */
  readonly redisProxies?: boolean;
  readonly rules?: RulesFile;
  /** Further FANFARE_… settings of all processes. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Whatever the processes share: one server, or several behind one URL. */
export interface SharedRedis {
  readonly url: string;
  stop(): Promise<void>;
}

/** One Socket.IO node. */
export interface GatewayProcess extends ServerProcess {
  readonly node: string;
  readonly port: number;
  readonly peerPort: number;
  readonly sidPrefix: string;
  readonly url: string;
  /** Between it and Redis, when the cluster has such. */
  readonly redisProxy: FaultProxy | undefined;
}

export interface AdminProcess extends ServerProcess {
  readonly port: number;
  readonly rest: Rest;
}

export interface IngestProcess extends ServerProcess {
  /** Of /healthz, /readyz and /metrics. */
  readonly port: number;
}

export interface ClusterClientOptions extends Omit<TestClientOptions, "url"> {
  /** Default: the balancer. */
  readonly via?: GatewayProcess | { readonly url: string };
}

const rulesFile = "rules.json";
const open = { subscribe: "anyone", publish: "anyone", history: "anyone" } as const;

/** What the channels of tests may do unless a test says otherwise. */
const openRules: RulesFile = {
  namespaces: {
    public: { ...open, retain: { count: 20_000, seconds: 600 } },
    plain: { ...open, retain: { count: 0, seconds: 60 } },
  },
};

/** Real processes on free ports of 127.0.0.1, and a Redis of their own. */
export class Cluster<Redis extends SharedRedis = TestRedis> {
  readonly redis: Redis;
  /** In front of the nodes that run: round robin, sessions to their node. */
  readonly balancer: FaultProxy;
  readonly #dir: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #proxied: boolean;
  readonly #secret: string;
  readonly #gateways: GatewayProcess[] = [];
  readonly #admins: AdminProcess[] = [];
  readonly #ingests: IngestProcess[] = [];
  readonly #clients: TestClient[] = [];
  readonly #proxies: FaultProxy[] = [];
  #turn = 0;
  #started = 0;

  /** For {@link startCluster}, which waits for everything. */
  constructor(parts: {
    readonly redis: Redis;
    readonly balancer: FaultProxy;
    readonly dir: string;
    readonly env: Readonly<Record<string, string>>;
    readonly proxied: boolean;
    readonly secret: string;
  }) {
    this.redis = parts.redis;
    this.balancer = parts.balancer;
    this.#dir = parts.dir;
    this.#env = parts.env;
    this.#proxied = parts.proxied;
    this.#secret = parts.secret;
  }

  /** All that were started, also those that have been killed. */
  get gateways(): readonly GatewayProcess[] {
    return this.#gateways;
  }

  get liveGateways(): readonly GatewayProcess[] {
    return this.#gateways.filter(({ alive }) => alive);
  }

  get admins(): readonly AdminProcess[] {
    return this.#admins;
  }

  get clients(): readonly TestClient[] {
    return this.#clients;
  }

  gateway(index: number): GatewayProcess {
    return at(this.#gateways, index);
  }

  admin(index: number): AdminProcess {
    return at(this.#admins, index);
  }

  /** The file that FANFARE_RULES of all processes names. */
  get rulesPath(): string {
    return join(this.#dir, rulesFile);
  }

  async addGateway(): Promise<GatewayProcess> {
    const redisProxy = this.#proxied ? await this.#redisProxy() : undefined;
    const redisUrl = redisProxy === undefined ? this.redis.url : `redis://127.0.0.1:${redisProxy.port}`;
    const process = await startServerProcess({
      label: `node ${++this.#started}`,
      command: "gateway",
      cwd: this.#dir,
      env: { ...this.#env, FANFARE_REDIS_URL: redisUrl, FANFARE_HOST: "127.0.0.1", FANFARE_PORT: "0", FANFARE_PEER_PORT: "0" },
    });
    const { node, port, peerPort, sidPrefix } = process.ready as unknown as GatewayProcess;
    // Not spread: `alive` is a getter.
    const gateway = Object.assign(process, { node, port, peerPort, sidPrefix, redisProxy, url: `http://127.0.0.1:${port}` });
    this.#gateways.push(gateway);
    return gateway;
  }

  async addAdmin(): Promise<AdminProcess> {
    const process = await startServerProcess({
      label: `admin ${++this.#started}`,
      command: "admin",
      cwd: this.#dir,
      env: { ...this.#env, FANFARE_REDIS_URL: this.redis.url, FANFARE_ADMIN_PORT: "0" },
    });
    const port = Number(process.ready.port);
    const admin = Object.assign(process, { port, rest: new Rest(`http://127.0.0.1:${port}`, this.#secret) });
    this.#admins.push(admin);
    return admin;
  }

  /** One ingestion worker; which sources it has is said by its settings. */
  async addIngest(env: Readonly<Record<string, string>>): Promise<IngestProcess> {
    const process = await startServerProcess({
      label: `ingest ${++this.#started}`,
      command: "ingest",
      cwd: this.#dir,
      env: { ...this.#env, FANFARE_REDIS_URL: this.redis.url, FANFARE_HOST: "127.0.0.1", FANFARE_INGEST_PORT: "0", ...env },
    });
    const ingest = Object.assign(process, { port: Number(process.ready.port) });
    this.#ingests.push(ingest);
    return ingest;
  }

  /** Sends a signal and resolves when the process has ended. */
  async kill(process: ServerProcess, signal: "SIGKILL" | "SIGTERM"): Promise<string> {
    process.signal(signal);
    return process.ended;
  }

  /** Publishes these one after another, over the admin processes in turn. */
  async publish(channel: string, ...data: unknown[]): Promise<Acked[]> {
    const stored: Acked[] = [];
    for (const one of data) stored.push(await this.#anyRest().publish({ channel, data: one }));
    return stored;
  }

  /** Publishes with an id of its own, and again with the same one until it is stored. */
  publishUntilStored(channel: string, data: unknown, id = randomBytes(9).toString("base64url")): Promise<Acked> {
    return this.#anyRest().publishUntilStored({ channel, data, id });
  }

  /** A stock client, by default through the balancer and welcomed. */
  async client({ via = this.balancer, wait = true, ...options }: ClusterClientOptions = {}): Promise<TestClient> {
    const client = new TestClient({ ...options, url: via.url });
    this.#clients.push(client);
    if (wait) await client.welcomed();
    return client;
  }

  /** The newest lines of every process, for a test that failed. */
  log(): string {
    const processes: ServerProcess[] = [...this.#gateways, ...this.#admins, ...this.#ingests];
    return processes.map(({ label, alive, log }) => [`--- ${label}${alive ? "" : " (ended)"}`, ...log()].join("\n")).join("\n");
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const { rest } of this.#admins) rest.close();
    await Promise.all([...this.#gateways, ...this.#admins, ...this.#ingests].map((process) => process.end()));
    await Promise.all([this.balancer, ...this.#proxies].map((proxy) => proxy.close()));
    await this.redis.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }

  #anyRest(): Rest {
    return at(this.#admins, this.#turn++ % this.#admins.length).rest;
  }

  async #redisProxy(): Promise<FaultProxy> {
    const proxy = await startFaultProxy({ target: { port: Number(new URL(this.redis.url).port) } });
    this.#proxies.push(proxy);
    return proxy;
  }
}

/** Starts the processes on a Redis that is started with them, and resolves when all of them are ready. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  return startClusterOn(await startRedis({ port: options.redisProxies ?? false, ...options.redis }), options);
}

/**
 * Starts the processes on this Redis, which ends with them, and resolves when all of them are ready. Ends everything again
 * when one of them is not.
 */
export async function startClusterOn<Redis extends SharedRedis>(
  redis: Redis,
  { gateways = 2, admins = 1, redisProxies = false, rules = openRules, env = {} }: ProcessOptions = {},
): Promise<Cluster<Redis>> {
  const dir = await mkdtemp(join(tmpdir(), "fanfare-cluster-"));
  const rulesPath = join(dir, rulesFile);
  await writeFile(rulesPath, JSON.stringify(rules));
  const secret = randomBytes(18).toString("base64url");
  const balancer = await startBalancer(() => cluster.liveGateways);
  const cluster: Cluster<Redis> = new Cluster({
    redis,
    balancer,
    dir,
    env: { FANFARE_RULES: rulesPath, FANFARE_ADMIN_KEYS: `test:${secret}`, ...env },
    proxied: redisProxies,
    secret,
  });
  try {
    await Promise.all([
      ...Array.from({ length: gateways }, () => cluster.addGateway()),
      ...Array.from({ length: admins }, () => cluster.addAdmin()),
    ]);
    return cluster;
  } catch (failure) {
    await cluster.stop();
    throw failure;
  }
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`the cluster has only ${items.length} of these`);
  return item;
}
