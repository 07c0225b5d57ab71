import { FanfareError } from "@fanfare/domain";
import type { RedisOptions } from "ioredis";

const defaultPort = 6379;
const defaultSentinelPort = 26379;

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
    case "redis+cluster":
      throw invalid("redis+cluster:// is not supported yet: use one Redis, or several under Sentinel (redis+sentinel://).");
    default:
      throw invalid(
        "a Redis URL starts with redis://, rediss://, redis+unix:// or redis+sentinel://, or is the path of a socket.",
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
    sentinels: hosts.split(",").map((host) => {
      const { hostname, port } = parsed(`redis://${host}`);
      return { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: port === "" ? defaultSentinelPort : Number(port) };
    }),
    name: decodeURIComponent(name),
    ...credentials(username, password),
    ...database(searchParams.get("db")),
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
  };
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
