import type { Settings } from "@fanfare/config";
import type { PortWish } from "../up/ports.ts";

/** What the workers share. The ports are real ones by now: a worker that is started again needs the same. */
interface SharedSettings extends Settings {
  readonly clusterSecret: string;
}

/** The ports that workers listen on themselves, the admin API's first, under the flags that they are given by. */
export function innerPortsOf({ host, adminHost, adminPort, peerPort, workers }: Settings): PortWish[] {
  const peerPorts = Array.from({ length: peerPort === 0 ? 0 : workers }, (_, at) => peerPort + at);
  return [
    { flag: "--admin-port", host: adminHost, port: adminPort },
    ...peerPorts.map((one) => ({ flag: "--peer-port", host, port: one })),
  ];
}

/**
 * What one of several nodes on this machine runs with; `place` counts from 0 and is kept by whoever is started in its stead.
 * All share the public port. The peer ports are next to each other, so that they can be scraped.
 */
export function nodeSettings(shared: SharedSettings, place: number): Settings {
  const { node, peerPort, peerUrl } = shared;
  return {
    ...shared,
    workers: 1,
    peerPort: peerPort === 0 ? 0 : peerPort + place,
    ...(node === undefined ? {} : { node: `${node}-${place + 1}` }),
    ...(peerUrl === undefined ? {} : { peerUrl: withPortBeyond(peerUrl, place) }),
  };
}

/** What the process with the admin API and the sources runs with. */
export function apiSettings(shared: SharedSettings): Settings {
  return { ...shared, workers: 1 };
}

function withPortBeyond(text: string, more: number): string {
  const url = new URL(text);
  const implied = url.protocol === "https:" ? 443 : 80;
  url.port = String((url.port === "" ? implied : Number(url.port)) + more);
  return url.href.replace(/\/$/, "");
}
