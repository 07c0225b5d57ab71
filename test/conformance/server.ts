/*
 * A server for the official protocol suites, which are not part of this repository (docs/TESTING.md):
 *
 *   npm run conformance:server -- --port 3000                         one gateway
 *   npm run conformance:server -- --port 3000 --nodes 3               three, behind a balancer that sends every request elsewhere
 *   npm run conformance:server -- --port 3000 --engine [--nodes 3]    bare Engine.IO at /engine.io/
 */
import { parseArgs } from "node:util";
import { startEngineNodes, startSocketIoNodes } from "./nodes.ts";
import { startRoundRobin } from "./round-robin.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "3000" },
    nodes: { type: "string", default: "1" },
    engine: { type: "boolean", default: false },
  },
});
const count = Number(values.nodes);
const nodes = await (values.engine ? startEngineNodes(count) : startSocketIoNodes(count));
// Also one node stands behind it: what a suite sees is then never the balancer's doing alone.
const balancer = await startRoundRobin(() => nodes.map(({ port }) => port), Number(values.port));
process.stdout.write(`${JSON.stringify({ msg: "ready", port: balancer.port, nodes: count, engine: values.engine })}\n`);
