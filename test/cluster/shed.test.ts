import { connect } from "node:net";
import { type GatewayProcess, promised, until } from "@fanfare/test-support";
import { describe, expect } from "vitest";
import { test } from "./cluster.ts";

async function ready({ peerPort }: GatewayProcess): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`http://127.0.0.1:${peerPort}/readyz`);
  return { status: answer.status, body: await answer.json() };
}

/** What somebody new is answered. */
async function handshake({ url }: GatewayProcess): Promise<{ status: number; code: unknown; retryAfter: string | null }> {
  const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling`);
  const text = await answer.text();
  const code = answer.ok ? undefined : (JSON.parse(text) as { code: unknown }).code;
  return { status: answer.status, code, retryAfter: answer.headers.get("retry-after") };
}

describe("a node with too many open descriptors", () => {
  // Far more than a node has by itself, and far less than those that are opened below.
  test.override({ clusterOptions: { gateways: 2, admins: 1, env: { FANFARE_SHED_DESCRIPTORS: "120" } } });

  test("takes nobody new and says why, keeps whom it has, and takes connections again when it has fewer", async ({ cluster }) => {
    const [full, other] = [cluster.gateway(0), cluster.gateway(1)];
    const ada = await cluster.client({ via: full, channels: ["public:news"] });
    const idle = Array.from({ length: 130 }, () => connect(full.port, "127.0.0.1"));
    await until(async () => ((await ready(full)).status === 503 ? undefined : "still ready"), promised(10_000));
    expect(await ready(full)).toEqual({ status: 503, body: { status: "unready", reason: "overloaded: descriptors" } });
    expect(await handshake(full)).toEqual({ status: 503, code: "OVERLOADED", retryAfter: "2" });
    expect(await (await fetch(`http://127.0.0.1:${full.peerPort}/metrics`)).text()).toMatch(
      /^fanfare_shedding\{burden="descriptors",.*\} 1$/m,
    );
    expect((await fetch(`http://127.0.0.1:${full.peerPort}/healthz`)).status).toBe(200);
    expect((await handshake(other)).status).toBe(200);

    await cluster.publish("public:news", 1);
    await until(() => (ada.heard("public:news").length === 1 ? undefined : "who was there hears nothing"));
    expect(ada.connects).toBe(1);

    for (const socket of idle) socket.destroy();
    await until(async () => ((await ready(full)).status === 200 ? undefined : "not ready again"), promised(15_000));
    expect((await handshake(full)).status).toBe(200);
  });
});

describe("with FANFARE_DRAIN_STATUS=404", () => {
  test.override({ clusterOptions: { gateways: 1, admins: 0, env: { FANFARE_DRAIN_STATUS: "404", FANFARE_DRAIN_MS: "4000" } } });

  test("a draining node says 404, as HAProxy wants to hear it", async ({ cluster }) => {
    const node = cluster.gateway(0);
    // A session whose client no longer asks: a drain waits for it, which makes it long enough to look at.
    const address = `${node.url}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(address)).text()).slice(1)) as { sid: string };
    await fetch(`${address}&sid=${sid}`, { method: "POST", body: "40" });
    node.signal("SIGTERM");
    await until(async () => ((await ready(node)).status === 200 ? "still ready" : undefined), promised(900));
    expect(await ready(node)).toEqual({ status: 404, body: { status: "unready", reason: "draining" } });
    expect(await node.ended).toBe("exit 0");
  });
});
