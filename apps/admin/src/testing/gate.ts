import { type Broker, FanfareError } from "@fanfare/domain";

export interface Gate {
  /** The broker behind the gate: publishes wait in front of it while it is shut. */
  readonly broker: Broker;
  readonly waiting: number;
  /** The most publications that ever waited. */
  readonly waitingMax: number;
  open(): void;
  /** From now on whoever publishes is told that the broker is away. */
  breakDown(): void;
}

/** A shut gate in front of a real broker. */
export function gate(broker: Broker): Gate {
  let state: "shut" | "open" | "broken" = "shut";
  let queue: (() => void)[] = [];
  let waiting = 0;
  let waitingMax = 0;

  const publishEach: Broker["publishEach"] = async (items, options) => {
    if (state === "shut") {
      await new Promise<void>((resolve) => {
        queue.push(resolve);
        waiting += items.length;
        waitingMax = Math.max(waitingMax, waiting);
      });
    }
    if (state === "open") return broker.publishEach(items, options);
    return items.map(() => ({ kind: "failed", error: new FanfareError("BROKER_UNAVAILABLE") }));
  };
  const release = () => {
    const released = queue;
    queue = [];
    waiting = 0;
    for (const resolve of released) resolve();
  };

  return {
    broker: new Proxy(broker, {
      get(target, name) {
        if (name === "publishEach") return publishEach;
        const member: unknown = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    }),
    get waiting() {
      return waiting;
    },
    get waitingMax() {
      return waitingMax;
    },
    open() {
      state = "open";
      release();
    },
    breakDown() {
      state = "broken";
      release();
    },
  };
}
