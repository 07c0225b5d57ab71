import type { AddressInfo } from "node:net";
import Fastify from "fastify";
import { Redis } from "ioredis";
import { serve } from "../process/worker.ts";

/** Gives a publication its number, keeps the last thousand and announces it. */
const store = `
local offset = redis.call('INCR', KEYS[1])
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('LTRIM', KEYS[2], -1000, -1)
redis.call('PUBLISH', ARGV[1], ARGV[2])
return offset`;

/** The floor of a publication that is stored: a route that has Redis run one script. No keys, rules, ids, limits or metrics. */
const duties = {
  async start({ redisSocket }: { redisSocket: string }): Promise<number> {
    const redis = new Redis(redisSocket);
    const sha = (await redis.script("LOAD", store)) as string;
    const app = Fastify();
    app.post<{ Body: { room: string; data: unknown } }>("/publish", async ({ body: { room, data } }) => {
      const offset = await redis.evalsha(sha, 2, `${room}:offset`, `${room}:log`, room, JSON.stringify(data));
      return { channel: room, offset };
    });
    await app.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
    return (app.server.address() as AddressInfo).port;
  },
};

export type OneScriptDuties = typeof duties;
serve(duties);
