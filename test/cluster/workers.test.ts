import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  promised,
  Rest,
  type ServerProcess,
  startRedis,
  startServerProcess,
  TestClient,
  type TestRedis,
  until,
} from "@fanfare/test-support";
import { describe, expect, test as plain } from "vitest";

/** `fanfare serve --workers 2` as an operator starts it, and stock clients at its one port. */
interface Machine {
  readonly server: ServerProcess;
  readonly nodes: readonly { readonly node: string; readonly pid: number; readonly peerPort: number }[];
  readonly rest: Rest;
  readonly redis: TestRedis;
  client(transports: readonly ("polling" | "websocket")[]): Promise<TestClient>;
}

const channel = "public:news";

const test = plain.extend<{ drainMs: number; machine: Machine }>({
  drainMs: 4_000,
  machine: async ({ drainMs, onTestFailed }, use) => {
    const dir = await mkdtemp(join(tmpdir(), "fanfare-workers-"));
    const open = { subscribe: "anyone", retain: { count: 1_000, seconds: 600 } };
    await writeFile(join(dir, "rules.json"), JSON.stringify({ namespaces: { public: open } }));
    const redis = await startRedis();
    const server = await startServerProcess({
      label: "serve",
      command: "serve",
      cwd: dir,
      env: {
        FANFARE_WORKERS: "2",
        FANFARE_REDIS_URL: redis.url,
        FANFARE_HOST: "127.0.0.1",
        FANFARE_PORT: "0",
        FANFARE_ADMIN_PORT: "0",
        FANFARE_PEER_PORT: "0",
        FANFARE_RULES: "rules.json",
        FANFARE_ADMIN_KEYS: "test:secret",
        FANFARE_DRAIN_MS: String(drainMs),
      },
    });
    onTestFailed(() => console.error(server.log().join("\n")));
    const { port, adminPort, nodes } = server.ready as unknown as Machine & { port: number; adminPort: number };
    const rest = new Rest(`http://127.0.0.1:${adminPort}`, "secret");
    const clients: TestClient[] = [];
    await use({
      server,
      nodes,
      rest,
      redis,
      async client(transports) {
        const client = new TestClient({ url: `http://127.0.0.1:${port}`, transports, channels: [channel] });
        clients.push(client);
        await client.welcomed();
        return client;
      },
    });
    for (const client of clients) client.close();
    rest.close();
    await server.end();
    await redis.stop();
    await rm(dir, { recursive: true, force: true });
  },
});

const kinds = [["polling"], ["polling", "websocket"], ["websocket"]] as const;

async function someOfEach(machine: Machine, each: number): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  for (let n = 0; n < each; n++) clients.push(...(await Promise.all(kinds.map((kind) => machine.client(kind)))));
  return clients;
}

async function publish({ rest }: Machine, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) await rest.publish({ channel, data: n });
}

async function heardAll(clients: readonly TestClient[], to: number): Promise<void> {
  const wanted = Array.from({ length: to }, (_, at) => at + 1);
  await until(() => {
    const behind = clients.filter((client) => client.heard(channel).length < to);
    return behind.length === 0 ? undefined : `${behind.length} clients have not heard all ${to}`;
  }, 20_000);
  for (const client of clients) expect(client.heard(channel)).toEqual(wanted);
}

function nodesOf(clients: readonly TestClient[]): Set<unknown> {
  return new Set(clients.map((client) => (client.noticesOf("fanfare:welcome").at(-1) as { node: unknown }).node));
}

test("workers share one public port, and a killed one is replaced while its clients are restored", async ({ machine }) => {
  const { server, nodes } = machine;
  expect(nodes).toHaveLength(2);
  expect(new Set(nodes.map(({ peerPort }) => peerPort)).size).toBe(2);
  const clients = await someOfEach(machine, 6);
  expect(nodesOf(clients)).toEqual(new Set(nodes.map(({ node }) => node)));
  await publish(machine, 1, 20);
  await heardAll(clients, 20);
  expect(clients.filter(({ connects }) => connects !== 1)).toEqual([]);

  const [killed] = nodes;
  process.kill(killed?.pid ?? 0, "SIGKILL");
  await publish(machine, 21, 60);
  await heardAll(clients, 60);
  for (const { connects, recoveries } of clients) expect(recoveries).toBe(connects - 1);
  expect(clients.filter(({ connects }) => connects > 1).length).toBeGreaterThan(0);

  await until(
    () => (server.log().some((line) => line.includes("worker serves again")) ? undefined : "one worker is missing"),
    promised(15_000),
  );
  expect(server.log().filter((line) => line.includes("worker ended: starting it again"))).toHaveLength(1);
  expect(server.log().filter((line) => line.includes('"msg":"ready"'))).toHaveLength(1);
  const more: TestClient[] = [];
  await until(async () => {
    more.push(await machine.client(["websocket"]));
    return nodesOf(more).size === 2 ? undefined : "nobody gets to the new worker";
  });
  await publish(machine, 61, 61);
  for (const client of more) await until(() => (client.heard(channel).at(-1) === 61 ? undefined : "61 has not come"));
});

test("a drained worker is replaced, and a stop drains all of them in time", async ({ machine, drainMs }) => {
  const { server, nodes, rest } = machine;
  const clients = await someOfEach(machine, 3);
  expect((await rest.call("POST", `/v1/nodes/${nodes[1]?.node}/drain`)).status).toBe(202);
  await until(
    () => (server.log().some((line) => line.includes("worker serves again")) ? undefined : "one worker is missing"),
    promised(15_000),
  );
  await publish(machine, 1, 20);
  await heardAll(clients, 20);
  for (const { connects, recoveries } of clients) {
    expect(connects).toBeLessThanOrEqual(2);
    expect(recoveries).toBe(connects - 1);
  }
  const { pid: replaced } = JSON.parse(server.log().find((line) => line.includes("worker serves again")) ?? "{}") as {
    pid: number;
  };
  const pids = [nodes[0]?.pid ?? 0, replaced];
  const told = performance.now();
  server.signal("SIGTERM");
  // As systemd does it: to every process of the group.
  for (const pid of pids) process.kill(pid, "SIGTERM");
  expect(await server.ended).toBe("exit 0");
  expect(server.log().filter((line) => line.includes(`"msg":"drained"`))).toHaveLength(1 + pids.length);
  expect(performance.now() - told).toBeLessThan(promised(drainMs));
  // One that polls hears of it only when a poll of its is waiting at that moment: afterwards nobody answers any more.
  for (const client of clients.filter(({ socket }) => socket.io.opts.transports?.at(-1) === "websocket")) {
    expect(client.noticesOf("fanfare:closing")).not.toEqual([]);
  }
});

describe("a worker that has no time to drain", () => {
  test.override({ drainMs: 0 });

  test("ends all the same when it is told to, not by its supervisor, and is replaced", async ({ machine }) => {
    const { server, nodes, redis } = machine;
    const saidOf = (message: string) => server.log().filter((line) => line.includes(`"msg":"${message}"`));
    // Which it would wait for: its lease has to end.
    redis.pause();
    // As POST /v1/nodes/:node/drain has it done.
    process.kill(nodes[0]?.pid ?? 0, "SIGTERM");
    await until(() => (saidOf("worker ended: starting it again").length === 1 ? undefined : "it has not ended"));
    redis.resume();
    expect(saidOf("worker ended: starting it again")[0]).toContain('"how":"exit 1"');
    expect(saidOf("not stopped in time: ending now")).toHaveLength(1);
    await until(() => (saidOf("worker serves again").length === 1 ? undefined : "one worker is missing"), promised(15_000));
  });
});

test("who says nothing at the shared port, or sends headers slowly, is gone within 15 s of connecting", async ({ machine }) => {
  const { port } = machine.server.ready as unknown as { port: number };
  // Enough for each worker to get some of both.
  const slow = Array.from({ length: 12 }, (_, at) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(at % 2 === 0 ? "" : "GET /socket.io/ HTTP/1.1\r\n"));
    const dripping = at % 2 === 0 ? undefined : setInterval(() => socket.write("X-a: b\r\n"), 1_000);
    socket.on("error", () => undefined).on("close", () => clearInterval(dripping));
    return socket.resume();
  });
  await until(() => {
    const left = slow.filter(({ closed }) => !closed).length;
    return left === 0 ? undefined : `${left} are still there`;
  }, promised(15_000));
});
