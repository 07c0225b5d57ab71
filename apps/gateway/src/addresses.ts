import { networkInterfaces } from "node:os";

/** The address that other machines reach this one by, for a server that listens on `host`. */
export function reachableHost(host: string): string {
  if (host !== "0.0.0.0" && host !== "::") return host;
  const outward = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal);
  return outward?.address ?? "127.0.0.1";
}
