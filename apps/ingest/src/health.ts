import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Broker, FanfareError } from "@fanfare/domain";
import type { Metrics } from "@fanfare/telemetry";

export interface HealthOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly broker: Broker;
  readonly metrics: Metrics;
  /** Whether the worker is going to end. */
  readonly closing: () => boolean;
}

export interface Health {
  readonly port: number;
  close(): Promise<void>;
}

/** /healthz: alive. /readyz: the broker answers and the worker is not about to end. /metrics: Prometheus. */
export async function startHealth({ host, port, broker, metrics, closing }: HealthOptions): Promise<Health> {
  const server = createServer(async ({ url = "/" }, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    switch (url.split("?")[0]) {
      case "/healthz":
        return answer(200, { ok: true });
      case "/readyz": {
        const ok = !closing() && (await isUp(broker));
        return answer(ok ? 200 : 503, { ok });
      }
      case "/metrics": {
        metrics.brokerUp.set((await isUp(broker)) ? 1 : 0);
        const text = await metrics.text();
        response.writeHead(200, { "content-type": metrics.contentType }).end(text);
        return;
      }
      default:
        return answer(404, new FanfareError("NOT_FOUND").toBody());
    }
  });
  await listen(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function isUp(broker: Broker): Promise<boolean> {
  return broker.ping().then(
    () => true,
    () => false,
  );
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const message = `${host}:${port} cannot be listened on (${cause.code})`;
      reject(new FanfareError("SETTINGS_INVALID", { cause, errors: [{ path: "FANFARE_INGEST_PORT", message }] }));
    });
    server.listen({ host, port }, resolve);
  });
}
