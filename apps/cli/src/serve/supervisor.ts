import { randomBytes } from "node:crypto";
import type { Settings } from "@fanfare/config";
import { createLog } from "@fanfare/telemetry";
import { hangup, onStop } from "../stop.ts";
import { freePorts } from "../up/ports.ts";
import { FrontDoor } from "./front-door.ts";
import { KeptWorker } from "./kept-worker.ts";
import type { WorkerReady } from "./wire.ts";
import { apiSettings, innerPortsOf, nodeSettings } from "./worker-settings.ts";

/**
 * Several nodes behind one public port of this machine, each a process, and one more with the admin API and the sources.
 * This process only accepts connections and hands them on in turn; which node gets which request of a session does not
 * matter. Resolves when all of them serve; rejects, with everything ended again, when one does not.
 */
export async function serveWithWorkers(given: Settings): Promise<void> {
  const log = createLog({ name: "serve", level: given.logLevel });
  const [adminPort = 0] = await freePorts(innerPortsOf(given));
  const door = await FrontDoor.open(given.host, given.port);
  const { port } = door;
  if (given.clusterSecret === undefined) {
    log.info({ setting: "FANFARE_CLUSTER_SECRET" }, "no cluster secret: made one, which only the workers of this machine know");
  }
  const clusterSecret = given.clusterSecret ?? randomBytes(24).toString("base64url");
  const shared = { ...given, port, adminPort, clusterSecret };
  const nodes = Array.from({ length: given.workers }, (_, place) => {
    const settings = nodeSettings(shared, place);
    return new KeptWorker({ label: `node ${place + 1}`, role: "node", settings, log, onReady: (child) => door.admit(child) });
  });
  const api = new KeptWorker({ label: "api", role: "api", settings: apiSettings(shared), log });

  let stopping = false;
  // All at once: a node that goes on would only be handed the clients of the others to lose them again.
  const stop = async (): Promise<void> => {
    stopping = true;
    door.close();
    const went = await Promise.all([...nodes, api].map((worker) => worker.stop(given.drainMs)));
    if (went.includes(false)) log.warn({ drainMs: given.drainMs }, "workers were not done in time and have been killed");
  };
  onStop(stop, { alsoBy: hangup(given) });
  // The workers look at the rules file by themselves; without a listener the signal would end this process.
  if (given.rules !== undefined) process.on("SIGHUP", () => undefined);

  const ready: WorkerReady[] = [];
  try {
    // One alone at first: a mistake that all of them would make is told once.
    const [first, ...others] = [...nodes, api];
    if (first !== undefined) ready.push(await first.start());
    ready.push(...(await Promise.all(others.map((worker) => worker.start()))));
  } catch (error) {
    // Told to stop meanwhile: that a worker did not get ready is then no news.
    if (stopping) return;
    await stop();
    throw error;
  }
  const serving = ready.flatMap((one) => (one.role === "node" ? [one] : []));
  const { sources } = ready.find((one) => one.role === "api") ?? { sources: [] };
  log.info(
    {
      node: serving[0]?.node,
      port,
      peerPort: serving[0]?.peerPort,
      adminPort,
      nodes: serving.map(({ role: _, ...node }) => node),
      sources,
    },
    "ready",
  );
}
