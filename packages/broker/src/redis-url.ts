import { FanfareError } from "@fanfare/domain";
import type { RedisOptions } from "ioredis";

const defaultPort = 6379;
const defaultSentinelPort = 26379;

const partitionsDefault = 8;
/** More would only cost connections: each partition has two. */
const partitionsMax = 64;

/** What a `redis+cluster://` URL stands for. */
export interface ClusterTarget {
  /** Where the cluster's nodes are asked for first. */
  readonly seeds: readonly { readonly host: string; readonly port: number }[];
  /** How to connect to any of them. */
  readonly login: RedisOptions;
  /** How many partitions the channels are spread over. All nodes of a cluster must say the same number. */
  readonly partitions: number;
}

/**
 * A Redis Cluster, or undefined when the URL is of another kind, for {@link parseRedisUrl}. Throws `SETTINGS_INVALID`.
 *
 * - `redis+cluster://[user:password@]host[:port],host[:port]…[?partitions=8]`, `rediss+cluster://…` with TLS
 */
export function parseClusterUrl(url: string): ClusterTarget | undefined {
  const [, scheme, rest = ""] = /^(rediss?)\+cluster:\/\/(.*)$/s.exec(url) ?? [];
  if (scheme === undefined) return undefined;
  const [, login = "", hosts = "", query = ""] = /^([^@/]*@)?([^/?]+)\/?(?:\?(.*))?$/.exec(rest) ?? [];
  if (hosts === "") throw invalid("a Cluster URL is redis+cluster://host:port,host:port.");
  const { username, password } = parsed(`redis://${login}cluster`);
  return {
    seeds: hostList(hosts, defaultPort),
    login: { ...credentials(username, password), ...(scheme === "rediss" ? { tls: {} } : {}) },
    partitions: partitionCount(new URLSearchParams(query)),
  };
}

function partitionCount(query: URLSearchParams): number {
  // Overlooked, a misspelt one would let this node alone spread the channels otherwise.
  for (const name of query.keys()) if (name !== "partitions") throw invalid(`there is no "${name}", only "partitions".`);
  const text = query.get("partitions");
  if (text === null) return partitionsDefault;
  const count = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > partitionsMax) throw invalid(`partitions is a number from 1 to ${partitionsMax}.`);
  return count;
}

/**
 * The connection options that a URL stands for. Throws `SETTINGS_INVALID`.
 *
 * - `redis://[user:password@]host[:port][/db]`, `rediss://…` with TLS
 * - `redis+unix:///path/to.sock[?db=n]`, or just the path
 * - `redis+sentinel://[user:password@]host[:port],host[:port]…/name[?db=n&sentinelPassword=…]`
 */
export function parseRedisUrl(url: string): RedisOptions {
  if (url.startsWith("/")) return { path: url };
  const [, scheme = "", rest = ""] = /^([a-z+]+):\/\/(.*)$/s.exec(url) ?? [];
  switch (scheme) {
    case "redis":
    case "rediss":
      return { ...standalone(rest), ...(scheme === "rediss" ? { tls: {} } : {}) };
    case "redis+unix":
    case "unix":
      return unixSocket(rest);
    case "redis+sentinel":
      return sentinel(rest);
    default:
      throw invalid(
        "it starts with redis://, rediss://, redis+unix://, redis+sentinel:// or redis+cluster://, or is the path of a socket.",
      );
  }
}

function standalone(rest: string): RedisOptions {
  const { username, password, hostname, port, pathname, searchParams } = parsed(`redis://${rest}`);
  if (hostname === "") throw invalid("the host is missing.");
  return {
    // WHATWG URLs keep the brackets of an IPv6 address, sockets do not want them.
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? defaultPort : Number(port),
    ...credentials(username, password),
    ...database(pathname.length > 1 ? pathname.slice(1) : searchParams.get("db")),
  };
}

function unixSocket(rest: string): RedisOptions {
  const { username, password, pathname, searchParams } = parsed(`redis+unix://${rest}`);
  if (pathname.length < 2) throw invalid("the socket's path is missing: three slashes stand before it.");
  return { path: decodeURIComponent(pathname), ...credentials(username, password), ...database(searchParams.get("db")) };
}

function sentinel(rest: string): RedisOptions {
  // The part before the @ is the only one that a URL parser can take apart: it knows no list of hosts.
  const [, login = "", hosts = "", name = "", query = ""] = /^([^@/]*@)?([^/?]+)\/([^/?]+)(?:\?(.*))?$/.exec(rest) ?? [];
  if (hosts === "") throw invalid("a Sentinel URL is redis+sentinel://host:port,host:port/name.");
  const { username, password } = parsed(`redis://${login}sentinel`);
  const searchParams = new URLSearchParams(query);
  const sentinelPassword = searchParams.get("sentinelPassword");
  return {
    sentinels: hostList(hosts, defaultSentinelPort),
    name: decodeURIComponent(name),
    ...credentials(username, password),
    ...database(searchParams.get("db")),
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
  };
}

function hostList(hosts: string, portDefault: number): { host: string; port: number }[] {
  return hosts.split(",").map((text) => {
    const { hostname, port } = parsed(`redis://${text}`);
    if (hostname === "") throw invalid("a host is missing.");
    return { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: port === "" ? portDefault : Number(port) };
  });
}

function credentials(username: string, password: string): RedisOptions {
  return {
    ...(username === "" ? {} : { username: decodeURIComponent(username) }),
    ...(password === "" ? {} : { password: decodeURIComponent(password) }),
  };
}

function database(text: string | null): RedisOptions {
  if (text === null) return {};
  if (!/^[0-9]{1,5}$/.test(text)) throw invalid("the database is a number.");
  return { db: Number(text) };
}

function parsed(url: string): URL {
  try {
    return new URL(url);
  } catch {
    // Without the cause: it contains the URL, and the URL contains the password.
    throw invalid("it cannot be parsed.");
  }
}

function invalid(reason: string): FanfareError {
  return new FanfareError("SETTINGS_INVALID", { detail: `The Redis URL cannot be used: ${reason}` });
}
