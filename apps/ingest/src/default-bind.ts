import { createServer } from "node:net";
import type { Settings } from "@fanfare/config";
import { FanfareError } from "@fanfare/domain";

const defaultPort = 5_000;
const defaultHost = "127.0.0.1";

/**
 * The settings with the ZeroMQ address that a worker takes when it is given none: the usual one, if that is free, since a
 * second worker of the same machine must not fail for it. Throws `SETTINGS_INVALID` when nothing is left to read from.
 */
export async function withDefaultBind(settings: Settings): Promise<Settings> {
  const free = settings.zmqBind !== undefined || (await isFree(defaultHost, defaultPort));
  if (settings.zmqBind === undefined && free) return { ...settings, zmqBind: `tcp://${defaultHost}:${defaultPort}` };
  const { zmqBind = "off", zmqPullBind = "off", amqpUrl, streamKey, pattern, emitterLog } = settings;
  const anySource = [amqpUrl, streamKey, pattern].some((given) => given !== undefined) || emitterLog === "on";
  if (anySource || zmqBind !== "off" || zmqPullBind !== "off") return settings;
  const message = free
    ? "is off, and no other source is given (FANFARE_AMQP_URL, FANFARE_STREAM_KEY, FANFARE_PATTERN)"
    : `tcp://${defaultHost}:${defaultPort} is taken by another process: give another address`;
  throw new FanfareError("SETTINGS_INVALID", { errors: [{ path: "FANFARE_ZMQ_BIND", message }] });
}

/** Listens for a moment. */
function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
