import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "@fanfare/domain";
import { Socket } from "engine.io";
import type { Engine, EngineRequest, EngineSocket, EngineTransport, MovingSession, Packet } from "./engine.ts";

/** The node that has the session. */
interface Owner {
  /** Rejects when the session cannot move. */
  claim(): Promise<void>;
  take(): Promise<MovingSession>;
  release(): Promise<void>;
}

export interface TakeOverOptions {
  readonly engine: Engine;
  readonly sessionId: string;
  readonly owner: Owner;
  readonly clock: Pick<Clock, "after">;
}

/**
 * Does an upgrade here for a session that began on another node, and takes the session over in the moment when its client
 * says that it goes on over the websocket. `missed`: nothing has been written, the upgrade can still go to the owner.
 * `failed`: the websocket is closed, and the client begins anew.
 */
export async function takeOver(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { engine, sessionId, owner, clock }: TakeOverOptions,
): Promise<"taken" | "missed" | "failed"> {
  // What this node would refuse, the owner refuses in its own words.
  if (!(await isAllowed(engine, request))) return "missed";
  try {
    await owner.claim();
  } catch {
    return "missed";
  }
  return new Promise((resolve) => {
    let transport: EngineTransport | undefined;
    let settled = false;
    const settle = (outcome: "taken" | "failed"): void => {
      settled = true;
      callOff();
      socket.off("close", fail);
      resolve(outcome);
    };
    const fail = (): void => {
      if (settled) return;
      settle("failed");
      transport?.removeAllListeners().on("error", () => undefined);
      transport?.close();
      socket.destroy();
      owner.release().catch(() => undefined);
    };
    const callOff = clock.after(engine.opts.upgradeTimeout, fail);
    if (socket.destroyed) {
      fail();
      return;
    }
    socket.once("close", fail);

    engine.prepare(request);
    engine.ws.handleUpgrade(request, socket, head, (websocket) => {
      const upgrade: EngineRequest = Object.assign(request, { websocket });
      const probing = engine.createTransport("websocket", upgrade);
      transport = probing;
      probing.perMessageDeflate = engine.opts.perMessageDeflate;
      probing.once("error", fail).once("close", fail);
      // What comes while the session is on its way.
      const early: Packet[] = [];
      const take = (): void => {
        probing.off("packet", hear).on("packet", (packet: Packet) => early.push(packet));
        owner.take().then((session) => {
          if (settled) return;
          settle("taken");
          probing.removeAllListeners();
          settleIn(engine, sessionId, probing, upgrade, session, early);
        }, fail);
      };
      const hear = ({ type, data }: Packet): void => {
        if (type === "ping" && data === "probe") probing.send([{ type: "pong", data: "probe" }]);
        else if (type === "upgrade") take();
        else fail();
      };
      probing.on("packet", hear);
    });
  });
}

function isAllowed(engine: Engine, request: IncomingMessage): Promise<boolean> {
  return new Promise((resolve) => {
    if (engine.opts.allowRequest === undefined) resolve(true);
    else engine.opts.allowRequest(request, (_refusal, allowed) => resolve(allowed));
  });
}

/** Makes the session one of this node, as the engine's own handshake would. */
function settleIn(
  engine: Engine,
  id: string,
  transport: EngineTransport,
  request: EngineRequest,
  { request: handshake, received, unsent }: MovingSession,
  early: readonly Packet[],
): void {
  // The application is shown the handshake, not the upgrade: a browser's websocket cannot repeat all of its headers.
  Object.assign(request, { url: handshake.url, headers: handshake.headers, _query: undefined });
  engine.prepare(request);
  // The engine writes an `open` packet at once, which the client has already had from the former owner.
  transport.writable = false;
  const make = Socket as unknown as new (...parts: readonly unknown[]) => EngineSocket;
  const socket = new make(id, engine, transport, request, 4);
  Object.assign(socket, { remoteAddress: handshake.address, upgraded: true, writeBuffer: [...unsent], sentCallbackFn: [] });
  transport.writable = true;

  engine.clients[id] = socket;
  engine.clientsCount++;
  socket.once("close", () => {
    delete engine.clients[id];
    engine.clientsCount--;
  });
  engine.emit("connection", socket);
  socket.flush();
  for (const packet of [...received, ...early]) socket.onPacket(packet);
}
