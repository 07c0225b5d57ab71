import { type Broker, FanfareError } from "@fanfare/domain";

export interface Gate {
  /** The broker behind the gate: publishes wait in front of it while it is shut. */
  readonly broker: Broker;
  readonly waiting: number;
  /** The most that ever waited. */
  readonly waitingMax: number;
  open(): void;
  /** From now on whoever publishes is told that the broker is away. */
  breakDown(): void;
}

/** A shut gate in front of a real broker. */
export function gate(broker: Broker): Gate {
  let state: "shut" | "open" | "broken" = "shut";
  let queue: (() => void)[] = [];
  let waitingMax = 0;

  const publish: Broker["publish"] = async (draft, retain) => {
    if (state === "shut") {
      await new Promise<void>((resolve) => {
        queue.push(resolve);
        waitingMax = Math.max(waitingMax, queue.length);
      });
    }
    if (state === "broken") throw new FanfareError("BROKER_UNAVAILABLE");
    return broker.publish(draft, retain);
  };
  const release = () => {
    const released = queue;
    queue = [];
    for (const resolve of released) resolve();
  };

  return {
    broker: new Proxy(broker, {
      get(target, name) {
        if (name === "publish") return publish;
        const member: unknown = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    }),
    get waiting() {
      return queue.length;
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
