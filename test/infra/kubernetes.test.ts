import { loadRulesFile } from "@fanfare/access";
import { metricsTable } from "@fanfare/telemetry";
import { expect, test } from "vitest";
import { documentsOf, find, inInfra, run, textOf, yamlOf } from "./programs.ts";
import { settingsOfCommand } from "./settings.ts";

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly image: string;
  readonly args: readonly ["gateway" | "admin"];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly [string, string] } } };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext: unknown;
}

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string }[];
  readonly securityContext: unknown;
  readonly topologySpreadConstraints: readonly { readonly labelSelector: Selector; readonly topologyKey: string }[];
}

interface Selector {
  readonly matchLabels: Readonly<Record<string, string>>;
}

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector?: Selector & Readonly<Record<string, string>>;
    readonly podSelector?: Selector;
    readonly template?: { readonly metadata: { readonly labels: Readonly<Record<string, string>> }; readonly spec: PodSpec };
    readonly ports?: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
    readonly ingress?: readonly { readonly ports: readonly { readonly port: string }[] }[];
    readonly rules?: readonly { readonly backendRefs: readonly { readonly name: string; readonly port: number }[] }[];
    readonly metrics?: readonly { readonly pods?: { readonly metric: { readonly name: string } } }[];
    readonly scaleTargetRef?: { readonly kind: string; readonly name: string };
    readonly minReplicas?: number;
  };
}

const overlays = ["base", "overlays/gateway-api", "overlays/autoscale"] as const;
const inBase = ["node.yaml", "admin.yaml", "network-policy.yaml"].flatMap((file) =>
  documentsOf<Resource>(textOf("kubernetes", "base", file)),
);
const route = yamlOf<Resource>("kubernetes", "overlays", "gateway-api", "route.yaml");
const autoscaler = yamlOf<Resource>("kubernetes", "overlays", "autoscale", "autoscaler.yaml");
const deployments = inBase.filter(({ kind }) => kind === "Deployment");

/** What settings.env gives to all. */
const shared = Object.fromEntries(
  textOf("kubernetes", "base", "settings.env")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
);

function podOf({ spec }: Resource): { readonly spec: PodSpec; readonly container: Container } {
  const pod = spec.template?.spec;
  const [container] = pod?.containers ?? [];
  if (pod === undefined || container === undefined) throw new Error("no pod");
  return { spec: pod, container };
}

function settingsFor(container: Container) {
  const own = (container.env ?? []).filter(({ name }) => name.startsWith("FANFARE_"));
  const env = {
    ...shared,
    ...Object.fromEntries(own.map(({ name, value = "" }) => [name, value.replace("$(POD_IP)", "10.1.2.3")])),
  };
  return { env, settings: settingsOfCommand(container.args[0], env) };
}

test("nodes and admin API are started with settings that they take", () => {
  expect(deployments.map(({ metadata }) => metadata.name)).toEqual(["fanfare-node", "fanfare-admin"]);
  for (const deployment of deployments) expect(settingsFor(podOf(deployment).container).settings.redisUrl).toBeDefined();
});

test("files that settings name are in what is mounted", () => {
  for (const deployment of deployments) {
    const { spec, container } = podOf(deployment);
    const mounted = container.volumeMounts.map(({ mountPath }) => mountPath);
    for (const path of Object.values(settingsFor(container).env).filter((value) => value.startsWith("/"))) {
      expect(
        mounted.some((mount) => path === mount || path.startsWith(`${mount}/`)),
        path,
      ).toBe(true);
    }
    const volumes = spec.volumes.map(({ name }) => name);
    for (const { name } of container.volumeMounts) expect(volumes).toContain(name);
  }
});

test("a pod is given longer to end than it waits and drains", () => {
  for (const deployment of deployments) {
    const { spec, container } = podOf(deployment);
    const [program, seconds] = container.lifecycle.preStop.exec.command;
    expect(program).toBe("sleep");
    const needsMs = Number(seconds) * 1_000 + settingsFor(container).settings.drainMs;
    expect(spec.terminationGracePeriodSeconds * 1_000, deployment.metadata.name).toBeGreaterThanOrEqual(needsMs + 3_000);
  }
});

test("probes ask for the right thing at the port that listens, and life never hangs on Redis", () => {
  for (const deployment of deployments) {
    const { container } = podOf(deployment);
    const { settings } = settingsFor(container);
    const ports = new Map(container.ports.map(({ name, containerPort }) => [name, containerPort]));
    const inward = container.args[0] === "gateway" ? settings.peerPort : settings.adminPort;
    expect(ports.get(container.readinessProbe.httpGet.port)).toBe(inward);
    expect(ports.get(container.livenessProbe.httpGet.port)).toBe(inward);
    expect(container.readinessProbe.httpGet.path).toBe("/readyz");
    expect(container.livenessProbe.httpGet.path).toBe("/healthz");
    if (container.args[0] !== "gateway") continue;
    expect(ports.get("public")).toBe(settings.port);
    expect(settings.peerUrl).toBe(`http://10.1.2.3:${settings.peerPort}`);
  }
});

test("pods may nothing and write nothing, as the image expects it", () => {
  for (const deployment of deployments) {
    const { spec, container } = podOf(deployment);
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  }
});

test("every selector finds the pods that it is about", () => {
  const labels = deployments.map(({ spec }) => JSON.stringify(spec.template?.metadata.labels));
  const finds = (wanted: unknown): boolean => labels.includes(JSON.stringify(wanted));
  for (const { kind, metadata, spec } of inBase) {
    const wanted = kind === "Service" ? spec.selector : (spec.selector ?? spec.podSelector)?.matchLabels;
    expect(finds(wanted), `${kind} ${metadata.name}`).toBe(true);
  }
  for (const deployment of deployments) {
    const constraints = podOf(deployment).spec.topologySpreadConstraints;
    expect(constraints.map(({ topologyKey }) => topologyKey)).toContain("kubernetes.io/hostname");
    for (const { labelSelector } of constraints) {
      expect(labelSelector.matchLabels).toEqual(deployment.spec.template?.metadata.labels);
    }
  }
  for (const kind of ["PodDisruptionBudget", "NetworkPolicy", "Service"]) {
    expect(
      inBase.filter((one) => one.kind === kind),
      kind,
    ).toHaveLength(2);
  }
});

test("services, policies and the route name ports that pods have", () => {
  const named = new Set(deployments.flatMap((one) => podOf(one).container.ports.map(({ name }) => name)));
  const services = inBase.filter(({ kind }) => kind === "Service");
  for (const { spec } of services) for (const { targetPort } of spec.ports ?? []) expect(named).toContain(targetPort);
  const policies = inBase.filter(({ kind }) => kind === "NetworkPolicy");
  for (const { spec } of policies) {
    for (const { ports } of spec.ingress ?? []) for (const { port } of ports) expect(named).toContain(port);
  }
  for (const { name, port } of (route.spec.rules ?? []).flatMap(({ backendRefs }) => backendRefs)) {
    const service = services.find(({ metadata }) => metadata.name === name);
    expect(service?.spec.ports?.map((each) => each.port)).toContain(port);
  }
});

test("the autoscaler goes by a metric that nodes have, and leaves more than one", () => {
  const names: string[] = Object.values(metricsTable).map(({ name }) => name);
  const [metric] = (autoscaler.spec.metrics ?? []).flatMap(({ pods }) => pods?.metric.name ?? []);
  expect(names).toContain(metric);
  expect(textOf("kubernetes", "overlays", "autoscale", "adapter-rules.yaml")).toContain(`as: ${metric}`);
  expect(deployments.map(({ metadata }) => metadata.name)).toContain(autoscaler.spec.scaleTargetRef?.name);
  expect(autoscaler.spec.minReplicas).toBeGreaterThan(1);
});

test("the rules that come with it are right", async () => {
  await expect(loadRulesFile(inInfra("kubernetes", "base", "rules.json"))).resolves.toBeDefined();
});

// Said as skipped where there is no kubectl; everything above is of the files themselves.
test.skipIf(find("kubectl") === undefined).each(overlays)("kubectl builds %s", { timeout: 60_000 }, async (overlay) => {
  const { stdout } = await run("kubectl", ["kustomize", inInfra("kubernetes", overlay)]);
  const built = documentsOf<Resource>(stdout);
  const kinds = built.map(({ kind }) => kind);
  for (const kind of ["Namespace", "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "ConfigMap"]) {
    expect(kinds).toContain(kind);
  }
  expect(kinds.includes("HTTPRoute")).toBe(overlay !== "base");
  expect(kinds.includes("HorizontalPodAutoscaler")).toBe(overlay === "overlays/autoscale");
  const node = built.find(({ kind, metadata }) => kind === "Deployment" && metadata.name === "fanfare-node");
  if (node === undefined) throw new Error("no nodes");
  // Or every apply would undo what the autoscaler has done.
  expect("replicas" in node.spec).toBe(overlay !== "overlays/autoscale");
  const { container } = podOf(node);
  expect(container.image).toMatch(/^registry\.example\.com\/fanfare:\d/);
  expect(node.spec.template?.metadata.labels).toMatchObject({ "app.kubernetes.io/part-of": "fanfare" });
  const generated = built.filter(({ kind }) => kind === "ConfigMap").map(({ metadata }) => metadata.name);
  for (const name of generated) expect(JSON.stringify(node)).toContain(name);
  expect(container.env?.some(({ name }) => name === "FANFARE_REBALANCE")).toBe(overlay === "overlays/autoscale");
});
