import { WebSocket } from "ws";
import { nowMicros } from "../clock.ts";
import { channel } from "../contestants/cluster.ts";
import { serve } from "../process/worker.ts";
import { payload } from "../wire/payload.ts";
import { PostConnection, type PublishTarget } from "../wire/post-connection.ts";

interface CrowdWish {
  readonly port: number;
  readonly connections: number;
  readonly channelsEach: number;
  /** Whether the server takes the channels with the connection, as Fanfare does, or wants an event for each. */
  readonly atConnect: boolean;
}

interface PublishWish {
  readonly target: PublishTarget;
  readonly forMs: number;
  readonly connections: number;
  readonly payloadBytes: number;
}

interface CrowdHeard {
  readonly messages: number;
  readonly deliveries: number;
  /** Publications that came to another connection than the one that subscribed to their channel. */
  readonly strays: number;
}

/** How many connections open at a time. */
const openingMax = 20;
const tailMs = 10_000;
/** A prime: publishing to every so many channels in turn meets all connections alike. */
const stride = 7_919;

/** Many channels with one subscriber each, over few connections. */
function crowd() {
  const sockets: WebSocket[] = [];
  let channelsEach = 0;
  let deliveries = 0;
  let strays = 0;
  let onDelivery = () => {};

  function open(connection: number, { port, atConnect }: CrowdWish): Promise<void> {
    const names = Array.from({ length: channelsEach }, (_, index) => nameOf(connection * channelsEach + index));
    const url = `ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`;
    const socket = new WebSocket(url, { perMessageDeflate: false });
    sockets.push(socket);
    return new Promise((resolve, reject) => {
      let missing = names.length;
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("The server closed a connection of the crowd.")));
      socket.on("message", (data: Buffer) => {
        const text = data.toString("latin1");
        if (text.startsWith('42["message"')) {
          deliveries += 1;
          if (text.includes('"i":') && !text.includes(`"i":${connection},`)) strays += 1;
          onDelivery();
        } else if (text === "2") socket.send("3");
        else if (text.startsWith("0")) socket.send(atConnect ? `40${JSON.stringify({ channels: names })}` : "40");
        else if (text.startsWith("40")) {
          if (!atConnect) for (const [index, name] of names.entries()) socket.send(`42${index}["subscribe","${name}"]`);
        } else if (text.startsWith('42["fanfare:welcome"')) {
          const [, { channels }] = JSON.parse(text.slice(2)) as [string, { channels: readonly string[] }];
          if (channels.length === names.length) resolve();
          else reject(new Error(`Of ${names.length} channels ${channels.length} were subscribed.`));
        } else if (text.startsWith("43") && --missing === 0) resolve();
      });
    });
  }

  return {
    /** Resolves when every channel has its subscriber. */
    async open(wish: CrowdWish): Promise<void> {
      channelsEach = wish.channelsEach;
      const waiting = Array.from({ length: wish.connections }, (_, index) => index);
      const lanes = Array.from({ length: openingMax }, async () => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await open(next, wish);
      });
      await Promise.all(lanes);
    },

    /** Publishes to channels all over and waits until their subscribers have heard it. */
    async publish({ target, forMs, connections, payloadBytes }: PublishWish): Promise<CrowdHeard> {
      deliveries = 0;
      strays = 0;
      const all = sockets.length * channelsEach;
      const deadline = performance.now() + forMs;
      let published = 0;
      await Promise.all(
        Array.from({ length: connections }, async () => {
          const connection = await PostConnection.open(target);
          while (performance.now() < deadline) {
            const at = (published++ * stride) % all;
            const data = `{"i":${Math.floor(at / channelsEach)},${payload(published, nowMicros(), payloadBytes).slice(1)}`;
            await connection.post(`${target.before.replace(channel, nameOf(at))}${data}${target.after}`);
          }
          connection.close();
        }),
      );
      await new Promise<void>((resolve) => {
        const tooLong = setTimeout(resolve, tailMs);
        onDelivery = () => {
          if (deliveries < published) return;
          clearTimeout(tooLong);
          resolve();
        };
        onDelivery();
      });
      onDelivery = () => {};
      return { messages: published, deliveries, strays };
    },
  };
}

function nameOf(index: number): string {
  return `public:c${index}`;
}

export type CrowdDuties = ReturnType<typeof crowd>;
serve(crowd());
