import type { RulesFile } from "@fanfare/domain";

/** What anyone may do on a cluster that is there to be tried out: listen, to three kinds of channels. */
const open = { subscribe: "anyone", presence: "anyone", history: "anyone", retain: { count: 1_000, seconds: 600 } } as const;

/** The rules of `fanfare up` when it is given none. `zmq` is named alone: it has no namespace to open. */
export const demoRules: RulesFile = {
  namespaces: { public: open, demo: open },
  channels: { zmq: open },
};
