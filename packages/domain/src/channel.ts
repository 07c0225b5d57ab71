import { FanfareError } from "./errors.ts";
import { limits } from "./limits.ts";

declare const brand: unique symbol;

/** The name that publications are addressed to. Made by {@link channelName} only. */
export type Channel = string & { readonly [brand]: "Channel" };

/** The rule of a channel name, as a JSON Schema pattern. No braces: they mark rooms, see {@link roomOf}. */
export const channelPattern = `^[A-Za-z0-9_.:@#=+/-]{1,${limits.channelBytesMax}}$`;
const wellFormed = new RegExp(channelPattern);

/** Throws `CHANNEL_INVALID`. */
export function channelName(text: unknown): Channel {
  if (!isChannelName(text)) throw new FanfareError("CHANNEL_INVALID");
  return text;
}

export function isChannelName(text: unknown): text is Channel {
  return typeof text === "string" && wellFormed.test(text);
}

/** The name of the namespace whose rules may apply: what stands before the first colon, or `default`. */
export function namespaceOf(channel: Channel): string {
  const colon = channel.indexOf(":");
  return colon === -1 ? "default" : channel.slice(0, colon);
}

/**
 * The partition that a channel lives in, of `partitions`. A partition is what one Redis primary can order: a standalone or
 * Sentinel Redis has one; a Redis Cluster has several, each on the primary that its number hashes to. FNV-1a, so that every
 * node and every version agrees.
 */
export function partitionOf(channel: Channel, partitions: number): number {
  if (partitions === 1) return 0;
  let hash = 0x811c9dc5;
  for (let at = 0; at < channel.length; at++) hash = Math.imul(hash ^ channel.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % partitions;
}

/**
 * The Socket.IO room that holds a channel's subscribers on a node.
 *
 * The braces do two things. No session id and no channel name contains one, so a channel's room can never be somebody's
 * private room. And Redis Cluster hashes what stands between the first pair of them, so everything of one partition lives
 * on one primary.
 */
export function roomOf(channel: Channel, partition: number): string {
  return `{${partition}}${channel}`;
}

/** The channel of a room, or undefined for a room that is not a channel's (a session's private one). */
export function channelOfRoom(room: string): Channel | undefined {
  const close = room.charCodeAt(0) === 0x7b ? room.indexOf("}") : -1;
  return close === -1 ? undefined : (room.slice(close + 1) as Channel);
}

/**
 * The topic that a room's messages travel on: what the stock sharded adapter subscribes to, with `cluster` as its channel
 * prefix, for a room of the main namespace.
 */
export function topicOfRoom(cluster: string, room: string): string {
  return `${cluster}#/#${room}#`;
}

/** The topic on which other nodes speak to this one alone. */
export function topicOfNode(cluster: string, node: string): string {
  return `${cluster}#node#{0}${node}#`;
}
