import { promised, until } from "@fanfare/test-support";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { test } from "../cluster/cluster.ts";

/*
 * A request for history is a hundred bytes and its answer may be all that a log holds, read at the Redis that everybody
 * shares: sixty publications of 900 kB, asked for a hundred times, once kept it from all nodes for more than a minute.
 */
const text = "x".repeat(900_000);
const kept = 60;
const greedyClients = 6;
const requestsEach = 8;

test("clients that ask for much history, all at once, take it from nobody else", { timeout: 120_000 }, async ({ cluster }) => {
  const node = cluster.gateway(0);
  for (let count = 0; count < kept; count++) await cluster.publish("public:large", text);
  const ada = await cluster.client({ via: node, transports: ["websocket"], channels: ["public:a"] });
  const answers: Buffer[] = [];
  const greedy = await Promise.all(
    Array.from({ length: greedyClients }, () => connected(node.port, (data) => answers.push(data))),
  );
  try {
    for (const socket of greedy) {
      for (let id = 0; id < requestsEach; id++) socket.send(`42${id}["history",{"channel":"public:large","limit":1000}]`);
    }
    let slowestMs = 0;
    let published = 0;
    await until(async () => {
      const before = performance.now();
      await cluster.publish("public:a", ++published);
      slowestMs = Math.max(slowestMs, performance.now() - before);
      const wanted = greedyClients * requestsEach;
      return answers.length === wanted ? undefined : `${answers.length} of ${wanted} answers`;
    }, 60_000);
    await until(() => (ada.heard("public:a").length === published ? undefined : `heard ${ada.heard("public:a").length}`));

    expect(slowestMs).toBeLessThan(promised(1_500));
    expect(cluster.log()).not.toContain("redis is away");
    // Each is a page of more than a megabyte by one publication at most, and says that there is more.
    const [answer] = JSON.parse(String(answers[0]).slice(3));
    expect(answer).toMatchObject({ ok: true, more: true, publications: [{ offset: 1 }, { offset: 2 }] });
    expect(answer.publications).toHaveLength(2);
    expect(Math.max(...answers.map(({ length }) => length))).toBeLessThan(3 * text.length);
  } finally {
    for (const socket of greedy) socket.terminate();
  }
});

/** A connection of its own that only counts what it is answered: to parse all of it would cost more than to serve it. */
async function connected(port: number, answered: (data: Buffer) => void): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  const welcomed = new Promise((resolve) => {
    socket.on("message", (data: Buffer) => {
      const start = data.subarray(0, 60).toString();
      if (start.startsWith("43")) answered(data);
      else if (start.includes("fanfare:welcome")) resolve(undefined);
      else if (start === "2") socket.send("3");
    });
  });
  socket.send("40");
  await welcomed;
  return socket;
}
