import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { loadRulesFile } from "@fanfare/access";
import { expect, test } from "vitest";
import { inInfra, run, textOf, yamlOf } from "./programs.ts";
import { settingsOfCommand } from "./settings.ts";

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly hostname?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly secrets?: readonly string[];
  readonly profiles?: readonly string[];
  readonly networks?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: string }>>;
  readonly stop_grace_period?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly build?: { readonly context: string; readonly dockerfile: string };
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly networks: Readonly<Record<string, { readonly ipam: { readonly config: readonly { readonly subnet: string }[] } }>>;
}

// Merge keys are YAML 1.1, which Compose reads.
const compose = yamlOf<Compose>("docker", "compose.yaml");
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image === "fanfare");
const commandOf = ({ command = [] }: Service): "gateway" | "admin" | "ingest" => command[0] as "gateway" | "admin" | "ingest";
const dockerfile = textOf("docker", "Dockerfile");

test("every part of Fanfare is started with settings that it takes", () => {
  expect(ours.map(([name]) => name)).toEqual(["fanfare-1", "fanfare-2", "admin", "ingest"]);
  for (const [name, service] of ours) {
    const settings = settingsOfCommand(commandOf(service), service.environment ?? {});
    expect(settings.redisUrl, name).toBe("redis://redis:6379");
    expect(settings.rules, name).toBe("/etc/fanfare/rules.json");
  }
});

test("a mistake in a name or a value is found: the check can fail", () => {
  expect(() => settingsOfCommand("gateway", { FANFARE_DRAIN: "1" })).toThrow("FANFARE_DRAIN");
  expect(() => settingsOfCommand("gateway", { FANFARE_AMQP_URL: "amqp://a" })).toThrow("no use");
  expect(() => settingsOfCommand("gateway", { FANFARE_DRAIN_MS: "soon" })).toThrow("settings");
});

test("nodes are told their own address, by their peer port, and where clients come from", () => {
  const [subnet] = compose.networks.inside?.ipam.config ?? [];
  for (const [name, service] of ours.filter(([, one]) => commandOf(one) === "gateway")) {
    const { peerUrl, peerPort, trustedProxies } = settingsOfCommand("gateway", service.environment ?? {});
    expect(service.hostname).toBe(name);
    expect(peerUrl).toBe(`http://${name}:${peerPort}`);
    expect(trustedProxies).toEqual([subnet?.subnet]);
  }
});

test("a container is given longer to stop than its clients take to move", () => {
  for (const [name, service] of ours) {
    const { drainMs } = settingsOfCommand(commandOf(service), service.environment ?? {});
    expect(Number.parseInt(service.stop_grace_period ?? "0", 10) * 1_000, name).toBeGreaterThanOrEqual(drainMs + 5_000);
  }
});

test("containers of Fanfare cannot write and may nothing; the image's user is not root", () => {
  for (const [name, service] of ours) {
    expect(service, name).toMatchObject({ read_only: true, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] });
  }
  expect(/^USER (\S+)$/m.exec(dockerfile)?.[1]).toBe("node");
  expect(dockerfile).toMatch(/^ENTRYPOINT \["tini", "--", /m);
});

test("what is mounted, named and depended on is there", () => {
  for (const [name, service] of services) {
    for (const volume of service.volumes ?? []) {
      const [from = ""] = volume.split(":");
      if (from.startsWith(".")) expect(existsSync(resolve(inInfra("docker"), from)), `${name}: ${from}`).toBe(true);
      else expect(Object.keys(compose.volumes), name).toContain(from);
    }
    for (const secret of service.secrets ?? []) expect(Object.keys(compose.secrets), name).toContain(secret);
    for (const network of service.networks ?? []) expect(Object.keys(compose.networks), name).toContain(network);
    const needs = service.depends_on ?? [];
    for (const [other, condition] of Array.isArray(needs) ? needs.map((one: string) => [one]) : Object.entries(needs)) {
      const needed = compose.services[String(other)];
      expect(needed, `${name} needs ${other}`).toBeDefined();
      // Or it would start without what it waits for.
      for (const profile of needed?.profiles ?? []) expect(service.profiles, name).toContain(profile);
      if (condition !== undefined) expect(needed?.healthcheck, `${other} says that it is well`).toBeDefined();
    }
    for (const path of Object.values(service.environment ?? {}).filter((value) => String(value).startsWith("/run/secrets/"))) {
      expect(service.secrets, name).toContain(path.replace("/run/secrets/", ""));
    }
  }
  for (const { file } of Object.values(compose.secrets)) expect(file).toMatch(/^\.\/secrets\//);
});

test("ports agree: what is published, checked, balanced and scraped is what the processes listen on", () => {
  for (const [name, service] of ours) {
    const command = commandOf(service);
    const settings = settingsOfCommand(command, service.environment ?? {});
    const health = { gateway: settings.peerPort, admin: settings.adminPort, ingest: settings.ingestPort }[command];
    // The image's own check is a gateway's.
    expect(service.healthcheck?.test.at(-1) ?? "8100", name).toBe(String(health));
    expect(dockerfile).toMatch(new RegExp(`^EXPOSE .*\\b${health}\\b`, "m"));
    const scraped = textOf("prometheus", "prometheus.yml");
    expect(scraped, name).toMatch(command === "ingest" ? `port: ${health}` : `${name}:${health}`);
    if (command === "gateway") {
      expect(textOf("haproxy", "haproxy.cfg")).toContain(
        `server ${name} ${name}:${settings.port} check port ${settings.peerPort}`,
      );
    }
  }
  expect(compose.services.balancer?.ports).toEqual(["8000:8000"]);
  expect(textOf("haproxy", "haproxy.cfg")).toContain("bind :8000");
  expect(compose.services.admin?.environment?.FANFARE_ADMIN_HOST).toBe("0.0.0.0");
  // Nothing but the balancer is for others than this machine.
  for (const [name, { ports = [] }] of services) {
    if (name !== "balancer") for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/);
  }
});

test("the rules of the example are right", async () => {
  await expect(loadRulesFile(inInfra("docker", "rules.json"))).resolves.toBeDefined();
});

test("what the image is made from is there, and is not sent to the builder for nothing", () => {
  const root = inInfra("..");
  const [one] = ours;
  expect(resolve(inInfra("docker"), one?.[1].build?.context ?? "")).toBe(resolve(root));
  expect(existsSync(resolve(root, one?.[1].build?.dockerfile ?? ""))).toBe(true);
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(?:--\S+ )*(.+) \S+$/gm)].flatMap(([, from = ""]) => from.split(" "));
  expect(copied).toContain("package-lock.json");
  for (const path of copied.filter((each) => !each.includes("*"))) expect(existsSync(resolve(root, path)), path).toBe(true);
  const bin = /"\/app\/(apps\/cli\/[^"]+)"/.exec(dockerfile)?.[1] ?? "missing";
  expect(existsSync(resolve(root, bin)), bin).toBe(true);
  const engines = (JSON.parse(readFileSync(resolve(root, "package.json"), "utf8")) as { engines: { node: string } }).engines.node;
  const images = [...dockerfile.matchAll(/^FROM node:(\d+)/gm)].map(([, major]) => major);
  expect(images).toEqual([engines.match(/\d+/)?.[0], engines.match(/\d+/)?.[0]]);
});

test("the health check ends with 0 while the process answers, and with 1 when it does not", { timeout: 30_000 }, async () => {
  const script = inInfra("docker", "healthcheck.mjs");
  const server = createServer((request, response) => {
    response.writeHead(request.url === "/healthz" ? 200 : 404).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const port = String((server.address() as AddressInfo).port);
  await run("node", [script, port]);
  await new Promise((done) => server.close(done));
  await expect(run("node", [script, port])).rejects.toThrow("ECONNREFUSED");
});
