import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type ChildOptions, startChild } from "./child.ts";

export interface BenchRabbit {
  readonly url: string;
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** Where Debian has the script itself; the one on PATH changes to a user of its own. */
const script = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const readyMs = 60_000;
/** An orderly end takes seconds, and killed at once it would leave its Erlang behind. */
const patienceMs = 20_000;

/**
 * A RabbitMQ on free ports of 127.0.0.1 with node name, folders and port mapper of its own: never the system's service.
 * Undefined where none is installed.
 */
export async function startRabbit(dir: string, guard: ChildOptions["guard"]): Promise<BenchRabbit | undefined> {
  if (!existsSync(script)) return undefined;
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
  const child = startChild({ label: "RabbitMQ", program: script, args: [], env, cwd: dir, guard, ipc: false, patienceMs });
  const ready = async () => {
    for (const deadline = performance.now() + readyMs; performance.now() < deadline; await sleep(100)) {
      if (await greets(port)) return;
    }
    throw new Error(`RabbitMQ was not ready after ${readyMs / 1_000} s.`);
  };
  const stop = async () => {
    await child.stop();
    // Erlang's port mapper was started by the server and outlives it.
    await promisify(execFile)("epmd", ["-kill"], { env: { ...env, ERL_EPMD_RELAXED_COMMAND_CHECK: "1" } }).catch(() => {});
  };
  try {
    await Promise.race([ready(), child.failed]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `amqp://guest:guest@127.0.0.1:${port}`, pids: [child.pid, ...childrenOf(child.pid)], stop };
}

/** The script's own children: Erlang is one. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("A listening server has a port.");
  return address.port;
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
