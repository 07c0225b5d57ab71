import type { Settings } from "@fanfare/config";
import type { ChildSettings } from "./child-settings.ts";
import { freePorts } from "./ports.ts";

export interface UpSources {
  /** Whether there is anything to read from. */
  readonly any: boolean;
  readonly settings: ChildSettings;
  /** Nobody asked for any of it: the cluster is whole without. */
  readonly unasked: boolean;
  /** For people: what is read. */
  readonly note: string;
}

const zmq = { flag: "--zmq-bind", host: "127.0.0.1", port: 5_000 };

/** What a cluster to try out reads from: what it was told to, and ZeroMQ producers of this machine when their port is free. */
export async function sourcesOf(settings: Settings): Promise<UpSources> {
  const { amqpUrl, streamKey, pattern, emitterLog, zmqPullBind = "off" } = settings;
  const zmqBind = settings.zmqBind ?? ((await isFree()) ? `tcp://${zmq.host}:${zmq.port}` : "off");
  const notes = [
    zmqBind === "off" ? undefined : `ZeroMQ ${zmqBind}`,
    zmqPullBind === "off" ? undefined : `ZeroMQ ${zmqPullBind} (PULL)`,
    amqpUrl === undefined ? undefined : "AMQP",
    streamKey === undefined ? undefined : `stream ${streamKey}`,
    pattern === undefined ? undefined : `PUBLISH ${pattern}`,
    emitterLog === "off" ? undefined : "emitters",
  ].filter((note) => note !== undefined);
  const unasked = settings.zmqBind === undefined && zmqBind !== "off" && notes.length === 1;
  return { any: notes.length > 0, unasked, settings: { zmqBind }, note: notes.join(", ") || "no source" };
}

async function isFree(): Promise<boolean> {
  return freePorts([zmq]).then(
    () => true,
    () => false,
  );
}
