import { type Channel, type Counts, channel as follow } from "@fanfare/client";
import { io, type Socket } from "socket.io-client";
import { cut } from "./cut.ts";
import { plus } from "./feed-state.ts";
import type { Welcome } from "./wire.ts";

/** How one of them does. */
interface Onlooker {
  readonly transport: "polling" | "websocket";
  readonly connected: boolean;
  readonly node: string;
  readonly counts: Counts;
}

/** A dozen stock clients in this page, that follow one channel and count. */
export interface Crowd {
  read(): readonly Onlooker[];
  total(): Counts;
  cut(forMs: number): void;
  close(): void;
}

/** A browser opens six connections to one place at most, websockets aside; each of these holds one for most of the time. */
const polling = 3;
const size = 12;

export function createCrowd(url: string, channel: string): Crowd {
  const all = Array.from({ length: size }, (_, index) => join(url, channel, index < polling ? "polling" : "websocket"));
  return {
    read: () => all.map(({ look }) => look()),
    total: () => all.map(({ look }) => look().counts).reduce(plus),
    cut(forMs) {
      for (const { socket } of all) if (socket.connected) cut(socket, forMs);
    },
    close() {
      for (const { socket, heard } of all) {
        heard.close();
        socket.disconnect();
      }
    },
  };
}

function join(url: string, channel: string, transport: Onlooker["transport"]) {
  const socket: Socket = io(url, { forceNew: true, transports: [transport] });
  const heard: Channel = follow(socket, channel);
  let node = "";
  socket.on("fanfare:welcome", (welcome: Welcome) => {
    node = welcome.node;
  });
  const look = (): Onlooker => ({ transport, connected: socket.connected, node, counts: heard.counts });
  return { socket, heard, look };
}
