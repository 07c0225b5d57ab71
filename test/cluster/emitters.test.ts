import { until } from "@fanfare/test-support";
import { Emitter } from "@socket.io/redis-emitter";
import { Redis } from "ioredis";
import { afterEach, expect } from "vitest";
import { test } from "./cluster.ts";

let redis: Redis | undefined;
afterEach(() => redis?.disconnect());

test("the official emitter reaches the subscribers of channels on every node, as it reaches rooms of stock nodes", async ({
  cluster,
}) => {
  const [one, other] = [cluster.gateway(0), cluster.gateway(1)];
  const ada = await cluster.client({ via: one, channels: ["public:news"], transports: ["websocket"] });
  const ben = await cluster.client({ via: other, channels: ["public:news"], transports: ["polling"] });
  const cleo = await cluster.client({ via: other, channels: ["public:sport"] });
  const heard = new Map([ada, ben, cleo].map((client) => [client, [] as unknown[][]]));
  for (const [client, list] of heard) client.socket.onAny((...args: unknown[]) => list.push(args));

  redis = new Redis(cluster.redis.url.replace("redis+unix://", ""));
  // The emitter waits for no answer and handles no refusal.
  await redis.ping();
  const emitter = new Emitter(redis);
  emitter.to("public:news").emit("headline", { title: "Fanfare" }, 7);
  emitter.to("public:news").to("public:sport").emit("both", Buffer.from("bytes"));
  emitter
    .to("public:news")
    .except(ada.socket.id ?? "")
    .emit("without ada", 1);
  emitter.emit("everybody", "text");
  emitter.to(cleo.socket.id ?? "").emit("cleo alone", [1, 2]);
  emitter.to("public:news").emit("last");

  const eventsOf = (client: typeof ada) =>
    (heard.get(client) ?? []).map(([event]) => event).filter((event) => event !== "fanfare:bookmark");
  await until(() =>
    eventsOf(ada).includes("last") && eventsOf(ben).includes("last") ? undefined : `${eventsOf(ada)} ${eventsOf(ben)}`,
  );
  expect(eventsOf(ada)).toEqual(["headline", "both", "everybody", "last"]);
  expect(eventsOf(ben)).toEqual(["headline", "both", "without ada", "everybody", "last"]);
  await until(() => (eventsOf(cleo).length === 3 ? undefined : `${eventsOf(cleo)}`));
  expect(eventsOf(cleo)).toEqual(["both", "everybody", "cleo alone"]);
  expect(heard.get(ada)?.[0]).toEqual(["headline", { title: "Fanfare" }, 7]);
  expect(heard.get(cleo)?.[0]?.[1]).toEqual(Buffer.from("bytes"));
});
