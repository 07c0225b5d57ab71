import { FanfareError } from "@fanfare/domain";
import { expect, test } from "vitest";
import { callerOf, clientAddress, isLoopback, trustedProxies } from "./addresses.ts";

const trusted = trustedProxies(["10.0.0.0/8", "192.0.2.7", "fd00::/8"]);

test.each([
  ["a peer that is no proxy is the client, whatever it says", "203.0.113.5", "1.2.3.4", "203.0.113.5"],
  ["a proxy that says nothing is the client", "10.0.0.1", undefined, "10.0.0.1"],
  ["a proxy's word counts", "10.0.0.1", "203.0.113.5", "203.0.113.5"],
  ["and of a list, only what trusted ones have appended", "10.0.0.1", "6.6.6.6, 203.0.113.5", "203.0.113.5"],
  ["through several proxies", "10.0.0.1", "6.6.6.6, 203.0.113.5, 192.0.2.7,10.9.9.9", "203.0.113.5"],
  ["when all are proxies it is the first", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"],
  ["nonsense ends the list", "10.0.0.1", "203.0.113.5, unknown, 10.0.0.2", "10.0.0.2"],
  ["an empty list says nothing", "10.0.0.1", " , ", "10.0.0.1"],
  ["IPv4 in an IPv6 socket", "::ffff:10.0.0.1", "203.0.113.5", "203.0.113.5"],
  ["IPv4 in an IPv6 socket that is the client", "::ffff:203.0.113.5", "1.1.1.1", "203.0.113.5"],
  ["IPv6 proxies", "fd00::1", "2001:db8::5", "2001:db8::5"],
  ["no address at all", "", "203.0.113.5", ""],
  ["a connection that is gone already", undefined, "203.0.113.5", ""],
] as const)("%s", (_, peer, forwarded, address) => {
  expect(clientAddress(peer, forwarded, trusted)).toBe(address);
});

test("several headers are one list", () => {
  expect(clientAddress("10.0.0.1", ["6.6.6.6", "203.0.113.5", "10.0.0.2"], trusted)).toBe("203.0.113.5");
});

test("nobody is trusted unless named", () => {
  expect(clientAddress("127.0.0.1", "1.2.3.4", trustedProxies([]))).toBe("127.0.0.1");
});

test.each(["", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "example.com", "10.0.0.0/-1", "10.0.0.0/8/8x", "*", "10.0.0.0/"])(
  "%j is a mistake",
  (range) => {
    expect(() => trustedProxies([range])).toThrow(FanfareError);
  },
);

test.each([
  ["203.0.113.5", "203.0.113.5"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2:ffff::", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["unknown", "unknown"],
])("the caller at %s is %s", (address, caller) => {
  expect(callerOf(address)).toBe(caller);
});

test("this machine is known by its addresses", () => {
  expect(["127.0.0.1", "127.9.9.9", "::1"].every(isLoopback)).toBe(true);
  expect(["10.0.0.1", "::2", "128.0.0.1", ""].some(isLoopback)).toBe(false);
});
