import type { IncomingHttpHeaders } from "node:http";
import { callerOf, clientAddress, isLoopback, KeyedBuckets, type TrustedProxies } from "@fanfare/access";
import type { Settings } from "@fanfare/config";
import { type Clock, FanfareError, type Quotas } from "@fanfare/domain";
import type { Log } from "@fanfare/telemetry";
import { SharedCount } from "./limits-connections.ts";
import { RequestLimits } from "./limits-requests.ts";

export interface LimitsParts {
  readonly settings: Pick<
    Settings,
    "connectsPerAddress" | "connectionsPerAddress" | "connectionsPerUser" | "requestsPerConnection"
  >;
  readonly trusted: TrustedProxies;
  readonly quotas: Quotas;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Pick<Log, "warn">;
}

/** What of a request says where it comes from. */
interface Origin {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** What of an Engine.IO connection says so; it keeps its handshake. */
interface Connection {
  /** Undefined when it is gone already. */
  readonly remoteAddress: string | undefined;
  readonly request: Pick<Origin, "headers"> | undefined;
  once(event: "close", listener: () => void): unknown;
  close(): void;
}

/** The burst of new connections of an address, in seconds of its rate: an office comes back all at once. */
const connectBurstSeconds = 5;

/** How much of everything one caller may have, see the settings of the same names. */
export class Limits {
  readonly requests: RequestLimits<object>;
  readonly #parts: LimitsParts;
  readonly #connects: KeyedBuckets;
  readonly #byAddress: SharedCount;
  readonly #byUser: SharedCount;

  constructor(parts: LimitsParts) {
    const { settings, clock } = parts;
    this.#parts = parts;
    this.requests = new RequestLimits(settings.requestsPerConnection, clock);
    this.#connects = new KeyedBuckets({
      perSecond: settings.connectsPerAddress,
      burst: settings.connectsPerAddress * connectBurstSeconds,
    });
    this.#byAddress = new SharedCount({ ...parts, kind: "address", max: settings.connectionsPerAddress });
    this.#byUser = new SharedCount({ ...parts, kind: "user", max: settings.connectionsPerUser });
  }

  /** Why a new connection from there may not come in now. Answers at once, before anything is done for it. */
  ofHandshake({ headers, socket }: Origin): FanfareError | undefined {
    const { trusted, settings, clock } = this.#parts;
    const address = clientAddress(socket.remoteAddress, headers["x-forwarded-for"], trusted);
    if (isLoopback(address)) return undefined;
    const caller = callerOf(address);
    if (this.#byAddress.isFull(caller)) return new FanfareError("CONNECTIONS_EXCEEDED");
    if (settings.connectsPerAddress === 0) return undefined;
    const retryAfterMs = this.#connects.take(caller, clock.monotonic());
    return retryAfterMs === 0 ? undefined : new FanfareError("RATE_LIMITED", { retryAfterMs });
  }

  /** Counts a connection under its address until it ends. One too many is closed, and its next handshake told why. */
  countAddress(connection: Connection): void {
    const forwardedFor = connection.request?.headers["x-forwarded-for"];
    const address = clientAddress(connection.remoteAddress, forwardedFor, this.#parts.trusted);
    if (isLoopback(address)) return;
    const caller = callerOf(address);
    const entered = this.#byAddress.enter(caller);
    let open = true;
    let counted = entered === true;
    connection.once("close", () => {
      open = false;
      if (counted) this.#byAddress.leave(caller);
    });
    if (entered === true) return;
    void entered.then((isCounted) => {
      counted = isCounted;
      if (!isCounted) connection.close();
      else if (!open) this.#byAddress.leave(caller);
    });
  }

  /**
   * Counts a connection under its user until it ends. Rejects with `CONNECTIONS_EXCEEDED` when there are too many; whoever
   * `returns` to a session had its place and keeps it, or a page could lose it to itself while its former connection ends.
   */
  async countUser(user: string, connection: Pick<Connection, "once">, returns: boolean): Promise<void> {
    let open = true;
    let counted = false;
    connection.once("close", () => {
      open = false;
      if (counted) this.#byUser.leave(user);
    });
    if (returns) {
      this.#byUser.enterAnyway(user);
      counted = true;
      return;
    }
    counted = await this.#byUser.enter(user);
    if (!counted) throw new FanfareError("CONNECTIONS_EXCEEDED");
    if (!open) this.#byUser.leave(user);
  }

  stop(): void {
    this.requests.stop();
    this.#byAddress.stop();
    this.#byUser.stop();
  }
}
