import type { MovingSession, Packet } from "./engine.ts";

/** A packet between two nodes; bytes as base64, told apart from text by the object around them. */
type WirePacket = readonly [type: string, data?: string | { readonly base64: string }];

/** A moving session as the JSON value that one node answers another with. */
export function sessionToJson({ request, received, unsent }: MovingSession): unknown {
  return { request, received: received.map(packetToJson), unsent: unsent.map(packetToJson) };
}

/** The other way round. The answer comes from a node of our cluster, which has shown that by the secret. */
export function sessionFromJson(json: unknown): MovingSession {
  const { request, received, unsent } = json as {
    request: MovingSession["request"];
    received: readonly WirePacket[];
    unsent: readonly WirePacket[];
  };
  return { request, received: received.map(packetFromJson), unsent: unsent.map(packetFromJson) };
}

function packetToJson({ type, data }: Packet): WirePacket {
  if (data === undefined) return [type];
  return [type, typeof data === "string" ? data : { base64: data.toString("base64") }];
}

function packetFromJson([type, data]: WirePacket): Packet {
  if (data === undefined) return { type };
  return { type, data: typeof data === "string" ? data : Buffer.from(data.base64, "base64") };
}
