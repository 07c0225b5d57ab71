import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { admits, type Counted, type Intake } from "./intake.ts";
import { type EngineInside, type EngineRequest, type Packet, type PollingInside, parser, StockPolling } from "./internals.ts";

/** Between the packets of a payload (Engine.IO protocol v4, "HTTP long-polling"). */
const separator = "\x1e";
/** Of one payload: a megabyte can have half a million, and all are looked at in one turn of the event loop. */
const packetsMax = 5_000;

type PollingClass = new (request: EngineRequest) => PollingInside;

/**
 * Engine.IO's polling transport, which has each packet counted before it does anything for it, and decodes no more than that.
 * A poll that comes a second time ends the session.
 */
export function countedPolling(engine: EngineInside, intake: Intake): PollingClass {
  // The fallback is never used: without the stock class, nothing here is.
  const Stock = (StockPolling ?? EventEmitter) as unknown as PollingClass;
  return class extends Stock {
    /** The `t` of the last poll. */
    #mark: string | undefined;

    /**
     * Balancers and browsers may repeat a GET whose answer they have lost (RFC 9110 §9.2.2), such as with the node that passed
     * it on. What was in that answer is gone, and an answer to the second one would hide that. Stock clients give each request
     * another `t` (engine.io-client lib/transports/polling.ts); without one, nobody can tell.
     */
    override onPollRequest(request: EngineRequest, response: ServerResponse): void {
      const { t: mark } = request._query ?? {};
      if (mark !== undefined && mark === this.#mark) {
        this.onError("poll repeated");
        response.writeHead(400).end();
        return;
      }
      this.#mark = mark;
      super.onPollRequest(request, response);
    }

    override onData(payload: string): void {
      for (let at = 0, left = packetsMax; at !== -1 && this.readyState !== "closed"; left--) {
        if (left === 0) {
          this.onError("too many packets");
          return;
        }
        const end = payload.indexOf(separator, at);
        this.#hear(parser.decodePacket(end === -1 ? payload.slice(at) : payload.slice(at, end)));
        at = end === -1 ? -1 : end + 1;
      }
    }

    #hear(packet: Packet): void {
      const connection = engine.clients[this.sid ?? ""] as Counted | undefined;
      if (packet.type === "close") this.onClose();
      else if (packet.type === "error" || admits(intake, this, connection, packet)) this.onPacket(packet);
    }
  };
}
