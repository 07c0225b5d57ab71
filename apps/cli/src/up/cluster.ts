import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Settings } from "@fanfare/config";
import { createPrinter, type Printer, stdout } from "../steps.ts";
import { type Balancer, startBalancer, type Upstream } from "./balancer.ts";
import { Child } from "./child.ts";
import { type ChildSettings, childEnvironment, sharedSettings } from "./child-settings.ts";
import { startControl } from "./control.ts";
import { isWorthShowing } from "./log-line.ts";
import { freePorts } from "./ports.ts";
import { startProducer } from "./producer.ts";
import { type ClusterRedis, givenRedis, ownRedis } from "./redis.ts";
import { sourcesOf } from "./sources.ts";
import { welcomeText } from "./welcome.ts";

export interface ClusterOptions {
  readonly settings: Settings;
  readonly nodes: number;
  readonly producer: boolean;
  /** Shows every line that the children log. */
  readonly verbose: boolean;
}

/** A cluster on this machine: Redis, nodes, a balancer in front of them, an admin API and a producer. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #printer: Printer;
  readonly #upstreams = new Map<string, Upstream>();
  /** By the name that each has now. */
  readonly #nodes = new Map<string, Child>();
  /** How to end what has been started, in the order of starting. */
  readonly #ends: (() => Promise<unknown>)[] = [];
  #stopped: Promise<void> | undefined;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#printer = createPrinter(options.producer ? 5 : 4);
  }

  /** Resolves when everything runs. Rejects, with everything ended again, when a part does not start. */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      // Told to stop meanwhile: that parts did not get ready is then no news.
      const wanted = this.#stopped !== undefined;
      await this.stop();
      if (!wanted) throw error;
    }
  }

  /** Ends everything, last started first, and resolves when nothing is left behind. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= (async () => {
      for (const end of this.#ends.reverse()) await end();
    })();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    const { settings, nodes, producer } = this.#options;
    const { host, adminHost } = settings;
    const [publicPort = 0, adminPort = 0] = await freePorts([
      { flag: "--port", host, port: settings.port },
      { flag: "--admin-port", host: adminHost, port: settings.adminPort },
    ]);
    const balancer = await this.#own(
      startBalancer({ host, port: publicPort, upstreams: () => [...this.#upstreams.values()] }),
      "close",
    );
    const dir = await mkdtemp(join(tmpdir(), "fanfare-up-"));
    this.#ends.push(() => rm(dir, { recursive: true, force: true }));
    const adminKey = randomBytes(18).toString("base64url");
    const adminUrl = `http://${adminHost === "0.0.0.0" ? "127.0.0.1" : adminHost}:${adminPort}`;

    const { step, say } = this.#printer;
    const redis = await step("broker", async (note) => {
      const result = await this.#redis(dir, note);
      return { result, note: result?.description ?? "in memory" };
    });
    if (redis === undefined) say("There is no Redis to be had here, so this is one node with an in-memory broker.");
    const shared = await sharedSettings({ settings, dir, adminKey, redisUrl: redis?.url });
    const forNode = { host: "127.0.0.1", port: 0, peerPort: 0 };
    const forAdmin = { adminHost, adminPort, url: publicUrl(settings, balancer) };
    const sources = await sourcesOf(settings);
    if (redis === undefined) {
      const only = { ...shared, ...forNode, ...forAdmin, ...sources.settings };
      await step("nodes", async () => ({ result: await this.#child("node 1", "serve", dir, only), note: "1" }));
      await step("admin", async () => ({ result: undefined, note: "in the same process" }));
      await step("ingest", async () => ({ result: undefined, note: sources.note }));
    } else {
      const names = Array.from({ length: nodes }, (_, index) => `node ${index + 1}`);
      await step("nodes", async () => {
        const result = await Promise.all(names.map((name) => this.#child(name, "gateway", dir, { ...shared, ...forNode })));
        return { result, note: String(nodes) };
      });
      const control = await this.#own(
        startControl({ adminKeys: shared.adminKeys ?? [], kill: (node) => this.#kill(node) }),
        "close",
      );
      const admin = { ...shared, ...forAdmin, controlUrl: control.url };
      await step("admin", async () => ({ result: await this.#child("admin", "admin", dir, admin) }));
      await step("ingest", async () => {
        const worker = { ...shared, ...sources.settings, host: "127.0.0.1", ingestPort: 0 };
        try {
          if (sources.any) await this.#child("ingest", "ingest", dir, worker);
        } catch (error) {
          // The port was free a moment ago; another cluster of this machine may have been quicker.
          if (!sources.unasked) throw error;
          return { result: undefined, note: "no source: the port for ZeroMQ was taken meanwhile" };
        }
        return { result: undefined, note: sources.note };
      });
    }
    if (producer) {
      await step("producer", async () => {
        const made = startProducer({ url: adminUrl, key: adminKey }, randomBytes(6).toString("base64url"), (why) =>
          say(`producer: ${why}`),
        );
        this.#ends.push(async () => made.stop());
        return { result: await made.started, note: "demo:sine, 10 a second" };
      });
    }
    const broker = redis?.description ?? "in memory: one node, gone when it ends";
    const count = redis === undefined ? 1 : nodes;
    stdout.write(
      welcomeText({ publicPort: balancer.port, adminUrl, adminKey, nodes: count, broker, producer, terminal: stdout.terminal }),
    );
  }

  async #redis(dir: string, note: (text: string) => void): Promise<ClusterRedis | undefined> {
    const { redisUrl } = this.#options.settings;
    return redisUrl === undefined ? this.#own(ownRedis(dir, note, this.#printer.say), "stop") : givenRedis(redisUrl);
  }

  /** Starts a process of the cluster and keeps it going. */
  async #child(
    label: string,
    command: "gateway" | "admin" | "serve" | "ingest",
    cwd: string,
    settings: ChildSettings,
  ): Promise<void> {
    const { verbose } = this.#options;
    const { say } = this.#printer;
    const child = new Child({
      label,
      command,
      cwd,
      env: childEnvironment(settings),
      onReady: ({ port, node }) => {
        if (command === "gateway" || command === "serve") this.#upstreams.set(label, { port });
        if (node === undefined) return;
        for (const [former, one] of this.#nodes) if (one === child) this.#nodes.delete(former);
        this.#nodes.set(node, child);
      },
      onDown: () => this.#upstreams.delete(label),
      onLine: (line) => {
        if (verbose || isWorthShowing(line)) say(`${label}  ${line.level}  ${line.text}`);
      },
      say,
    });
    this.#ends.push(() => child.stop());
    await child.start();
  }

  #kill(node: string): boolean {
    const child = this.#nodes.get(node);
    child?.kill();
    return child !== undefined;
  }

  /** Keeps in mind how to end a part; at once when the end has come while it was starting. */
  async #own<End extends string, Part extends Record<End, () => Promise<void>> | undefined>(
    starting: Promise<Part>,
    end: End,
  ): Promise<Part> {
    const part = await starting;
    if (part !== undefined) this.#ends.push(() => part[end]());
    if (this.#stopped !== undefined) await part?.[end]();
    return part;
  }
}

/** The port that the console takes for granted needs no address, and then works under any name of this machine. */
function publicUrl({ url }: Settings, { port }: Balancer): string | undefined {
  return url ?? (port === 8_000 ? undefined : `http://127.0.0.1:${port}`);
}
