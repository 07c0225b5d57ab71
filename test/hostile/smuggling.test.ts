import { connect } from "node:net";
import { until } from "@fanfare/test-support";
import { expect } from "vitest";
import { test as plain } from "../cluster/cluster.ts";

/*
 * Between two nodes requests of different clients share connections, and each carries the secret that a node obeys. Whoever
 * could make two nodes disagree about where a request ends could begin the next one, in the other node's name.
 */
const secret = "of the cluster in this test";
const test = plain.override({ clusterOptions: { gateways: 2, env: { FANFARE_CLUSTER_SECRET: secret } } });

const engine = "/socket.io/?EIO=4&transport=polling";

test("a body that is announced and never sent is not taken from the next client's request to the same node", async ({
  cluster,
}) => {
  const [owner, other] = [cluster.gateway(0), cluster.gateway(1)];
  const [mallory, ada] = [await opened(owner.url), await opened(owner.url)];
  // What a node writes of a request before the header's value, in which the next request would begin.
  const drain = "POST /drain HTTP/1.1";
  const cut = `GET ${engine}&sid=${mallory} HTTP/1.1\r\nx-a: `.length;
  for (const announced of [
    `Content-Length: ${cut}\r\n\r\n${"y".repeat(cut)}`,
    `Content-Length: ${cut}\r\n\r\n`,
    `Transfer-Encoding: chunked\r\n\r\n${cut.toString(16)}\r\n${"y".repeat(cut)}\r\n0\r\n\r\n`,
  ]) {
    await post(owner.url, mallory, '420["echo",1]');
    await answer(other.port, `GET ${engine}&sid=${mallory} HTTP/1.1\r\nHost: x\r\n${announced}`);
    await post(owner.url, ada, '420["echo",2]');
    const got = await answer(other.port, `GET ${engine}&sid=${ada} HTTP/1.1\r\nX-A: ${drain}\r\nHost: x\r\n\r\n`);
    expect(got).toMatch(/^HTTP\/1\.1 200 /);
    expect(got).not.toContain("draining");
  }
  expect((await fetch(`http://127.0.0.1:${owner.peerPort}/readyz`)).status).toBe(200);
});

test("a node refuses a body of a peer's request that is no post, and ends the connection with it", async ({ cluster }) => {
  const { peerPort } = cluster.gateway(0);
  for (const announced of ["Content-Length: 44", "Transfer-Encoding: chunked"]) {
    const got = await answer(
      peerPort,
      `GET ${engine} HTTP/1.1\r\nHost: x\r\nX-Fanfare-Secret: ${secret}\r\n${announced}\r\n\r\n`,
      "closed",
    );
    expect(got).toMatch(/^HTTP\/1\.1 400 /);
  }
  expect((await fetch(`http://127.0.0.1:${peerPort}/readyz`)).status).toBe(200);
});

/** A polling session that has connected and has been greeted. */
async function opened(url: string): Promise<string> {
  const { sid } = JSON.parse((await (await fetch(`${url}${engine}`)).text()).slice(1));
  await post(url, sid, "40");
  let heard = "";
  while (!heard.includes("fanfare:welcome")) heard += await (await fetch(`${url}${engine}&sid=${sid}`)).text();
  return sid;
}

async function post(url: string, sid: string, body: string): Promise<void> {
  expect((await fetch(`${url}${engine}&sid=${sid}`, { method: "POST", body })).status).toBe(200);
}

/** What a port says to these bytes: up to the end of its first body, or until it closes the connection. */
async function answer(port: number, bytes: string, end: "body" | "closed" = "body"): Promise<string> {
  const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
  let got = "";
  socket.on("data", (data) => {
    got += data;
  });
  socket.on("error", () => undefined);
  try {
    await until(() => {
      if (socket.closed) return undefined;
      return end === "body" && hasBody(got) ? undefined : `only ${JSON.stringify(got)} from port ${port}`;
    });
  } finally {
    socket.destroy();
  }
  return got;
}

function hasBody(text: string): boolean {
  const [head = "", body = ""] = text.split("\r\n\r\n");
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
  return body.length >= length || text.includes("\r\n0\r\n\r\n");
}
