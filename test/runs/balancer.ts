import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { RoundRobin } from "../conformance/round-robin.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** How soon it knows of a node that has come. One that has gone accepts nothing, and is passed over. */
const lookMs = 50;

/**
 * A round robin in a process of its own. Beside 2,000 clients in one process its queue of connections grew to hundreds on a
 * loaded machine, and handshakes that nodes answer in 20 ms took longer than clients wait.
 */
export async function startBalancerProcess(upstreams: () => readonly number[]): Promise<Omit<RoundRobin, "loseAnswer">> {
  await promisify(execFile)(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-b", "test/conformance"], {
    cwd: root,
  });
  const child = fork(`${root}.cache/conformance/round-robin-process.js`);
  let told = "";
  const tell = (): void => {
    const ports = upstreams();
    if (ports.join() === told) return;
    told = ports.join();
    child.send(ports);
  };
  const [port] = (await once(child, "message")) as [number];
  tell();
  const telling = setInterval(tell, lookMs);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    cut: () => void child.send("cut"),
    async close() {
      clearInterval(telling);
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}
