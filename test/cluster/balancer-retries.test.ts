import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { freePort } from "@fanfare/test-support";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RealBalancer, startRealBalancer } from "./real-balancer.ts";

/*
 * What the configurations of infra/ repeat and what they do not, told by servers that only count: a real node refuses or
 * loses a request too seldom for a test of a few seconds.
 */

const files = ["haproxy/haproxy.cfg", "haproxy/haproxy-sticky.cfg", "nginx/nginx.conf", "nginx/nginx-sticky.conf"] as const;
const cases = files.flatMap((file) => [
  { file, method: "GET" },
  { file, method: "POST" },
]);

let ending: (() => Promise<unknown>)[];
beforeEach(() => {
  ending = [];
});
afterEach(async () => {
  for (const end of ending.reverse()) await end();
});

/** Answers `/readyz` as a ready node does, everything else as told. */
async function node(answer: RequestListener): Promise<number> {
  const server = createServer((request, response) => {
    if (request.url === "/readyz") response.end();
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ending.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function balancer(file: (typeof files)[number], nodes: { port: number; peerPort: number }[]): Promise<RealBalancer> {
  const started = await startRealBalancer(file, nodes);
  ending.push(() => started.stop());
  return started;
}

function ask({ url }: RealBalancer, method: string, n: number): Promise<number> {
  const body = method === "POST" ? { body: "4hello" } : {};
  const address = `${url}/socket.io/?EIO=4&transport=polling&key=${n}&sid=0123abcd.${n}`;
  return fetch(address, { method, ...body }).then(({ status }) => status);
}

describe.each(cases)("behind $file, a $method", ({ file, method }) => {
  test("that a node does not accept goes to another one", async () => {
    const bodies: string[] = [];
    const port = await node(async (request, response) => {
      let body = "";
      for await (const part of request) body += part;
      bodies.push(body);
      response.end("ok");
    });
    const alive = { port, peerPort: port };
    // Ready by its word, as a draining node is until the next check: nothing but the refusal tells.
    const gone = { port: await freePort(), peerPort: port };
    const via = await balancer(file, [alive, gone, alive]);
    const statuses: number[] = [];
    for (let n = 0; n < 12; n++) statuses.push(await ask(via, method, n));
    expect(statuses).toEqual(Array.from({ length: 12 }, () => 200));
    expect(bodies).toEqual(Array.from({ length: 12 }, () => (method === "POST" ? "4hello" : "")));
  });

  test("that a node got but did not answer is not sent again", async () => {
    let got = 0;
    const port = await node((request) => {
      got++;
      request.socket.destroy();
    });
    const nodes = [1, 2, 3].map(() => ({ port, peerPort: port }));
    const via = await balancer(file, nodes);
    expect(await ask(via, method, 1)).toBe(502);
    expect(got).toBe(1);
  });
});

describe.each(["haproxy/haproxy.cfg", "haproxy/haproxy-sticky.cfg"] as const)("behind %s, a 503", (file) => {
  test("to the first request of a session sends it to another node, to a later one it is the answer", async () => {
    const full = await node((_, response) => void response.writeHead(503).end());
    const free = await node((_, response) => void response.end("ok"));
    const via = await balancer(
      file,
      [full, full, free].map((port) => ({ port, peerPort: port })),
    );
    const first = `${via.url}/socket.io/?EIO=4&transport=polling`;
    const later = new Set<number>();
    for (let n = 0; n < 6; n++) {
      expect((await fetch(first)).status).toBe(200);
      later.add(await ask(via, "GET", n));
    }
    expect(later).toContain(503);
  });
});
