import { BlockList, isIP, isIPv6 } from "node:net";
import { FanfareError, type FieldError } from "@fanfare/domain";

/** The proxies whose word about their callers is taken. */
export interface TrustedProxies {
  covers(address: string): boolean;
}

const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Reads addresses and CIDR ranges, `10.0.0.0/8` or `fd00::/8`. Throws `SETTINGS_INVALID` with all mistakes at once. */
export function trustedProxies(ranges: readonly string[]): TrustedProxies {
  const list = new BlockList();
  const errors: FieldError[] = [];
  for (const [at, range] of ranges.entries()) {
    const [, address = "", bits] = /^([^/]*)(?:\/(.*))?$/s.exec(range) ?? [];
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    const bitsMax = family === "ipv6" ? 128 : 32;
    if (isIP(address) === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax))) {
      errors.push({ path: `FANFARE_TRUSTED_PROXIES[${at}]`, message: "is neither an address nor a range such as 10.0.0.0/8" });
    } else if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  if (errors.length > 0) throw new FanfareError("SETTINGS_INVALID", { errors });
  return {
    covers: (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? "ipv6" : "ipv4"),
  };
}

/**
 * Whose request it is, when it came from `peer` with this X-Forwarded-For. Every proxy appends whom it got the request from,
 * so the list is read from its end, and only for as long as who said so is trusted: the rest is what anybody may write.
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | readonly string[] | undefined,
  trusted: TrustedProxies,
): string {
  // A connection that is gone by now has no address any more.
  let address = plain(peer ?? "");
  if (forwardedFor === undefined || !trusted.covers(address)) return address;
  const said = [forwardedFor].flat().join(",").split(",");
  while (said.length > 0 && trusted.covers(address)) {
    const before = plain(said.pop() ?? "");
    if (isIP(before) === 0) break;
    address = before;
  }
  return address;
}

/** Whether it is this machine. */
export function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

/**
 * What counts as one caller: an IPv4 address, or the /64 of an IPv6 one, because whoever has one address of it has all of
 * them. What is no address counts as itself.
 */
export function callerOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [left = "", right] = address.split("%")[0]?.toLowerCase().split("::") ?? [];
  const head = left === "" ? [] : left.split(":");
  const tailLength = right === undefined || right === "" ? 0 : right.split(":").length;
  const zeros = right === undefined ? 0 : Math.max(0, 8 - head.length - tailLength);
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...(right === undefined ? [] : right.split(":"))];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}

/** Without blanks, and an IPv4 address as such where a socket of both families shows it as IPv6. */
function plain(address: string): string {
  const text = address.trim();
  return mapped.exec(text)?.[1] ?? text;
}
