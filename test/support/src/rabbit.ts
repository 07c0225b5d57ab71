import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endWithUs } from "@fanfare/redis-server";
import { freePort } from "./redis.ts";
import { until } from "./until.ts";

/** A RabbitMQ of one test file's own. */
export interface TestRabbit {
  readonly url: string;
  readonly port: number;
  /** Ends it and starts it again with its data, as an operator does. */
  restart(): Promise<void>;
  /** Ends it with its data. */
  stop(): Promise<void>;
}

/** Where Debian has the script itself; the one on PATH changes to a user of its own. */
const script = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const readyMs = 60_000;
const patienceMs = 15_000;

/** Starts a RabbitMQ on free ports of 127.0.0.1, with node name, folders and epmd of its own, that ends with this process. */
export async function startRabbit(): Promise<TestRabbit> {
  if (!existsSync(script)) throw new Error("There is no RabbitMQ on this machine: apt-get install rabbitmq-server");
  const dir = await mkdtemp(join(tmpdir(), "fanfare-rabbit-"));
  const [port, distPort, epmdPort] = [await freePort(), await freePort(), await freePort()];
  await writeFile(join(dir, "rabbitmq.conf"), `listeners.tcp.default = 127.0.0.1:${port}\nloopback_users.guest = true\n`);
  await writeFile(join(dir, "enabled_plugins"), "[].\n");
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: dir,
    ERL_EPMD_ADDRESS: "127.0.0.1",
    ERL_EPMD_PORT: String(epmdPort),
    RABBITMQ_NODENAME: `fanfare-${randomBytes(4).toString("hex")}@localhost`,
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_CONFIG_FILE: join(dir, "rabbitmq.conf"),
    RABBITMQ_CONF_ENV_FILE: join(dir, "none"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, "enabled_plugins"),
    RABBITMQ_MNESIA_BASE: join(dir, "data"),
    RABBITMQ_LOG_BASE: join(dir, "log"),
    RABBITMQ_SCHEMA_DIR: join(dir, "schema"),
    RABBITMQ_GENERATED_CONFIG_DIR: join(dir, "generated"),
    RABBITMQ_PID_FILE: join(dir, "pid"),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
  };

  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    let printed = "";
    const child = spawn(script, { env, cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
    endWithUs(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (text: Buffer) => {
        printed = `${printed}${text}`.slice(-10_000);
      });
    }
    server = child;
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`RabbitMQ ended with ${child.exitCode}:\n${printed}`);
      return (await greets(port)) ? undefined : `RabbitMQ does not answer:\n${printed}`;
    }, readyMs);
  };
  const end = async (): Promise<void> => {
    const child = server;
    server = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    // RabbitMQ takes SIGTERM for an orderly shutdown: queues and durable messages stay.
    child.kill("SIGTERM");
    const tooLong = setTimeout(() => child.kill("SIGKILL"), patienceMs);
    await ended;
    clearTimeout(tooLong);
  };

  await start();
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    port,
    async restart() {
      await end();
      await start();
    },
    async stop() {
      await end();
      // Erlang's port mapper was started by the server and outlives it.
      execFileSync("epmd", ["-kill"], { env: { ...env, ERL_EPMD_RELAXED_COMMAND_CHECK: "1" }, stdio: "ignore" });
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Whether the server answers the protocol header (AMQP 0-9-1, 4.2.2) with a method frame. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.from("AMQP\0\0\x09\x01", "latin1")));
    const answer = (yes: boolean): void => {
      resolve(yes);
      socket.destroy();
    };
    socket.setTimeout(1_000, () => answer(false));
    socket.once("data", (data) => answer(data[0] === 1));
    socket.once("error", () => answer(false));
    socket.once("close", () => answer(false));
  });
}
