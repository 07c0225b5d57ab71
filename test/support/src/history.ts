/** What a subscriber received, in the order of arrival. Times are `performance.now()` of the test's process. */
export type Entry = Heard | Reset | Fresh;

export interface Heard {
  readonly kind: "heard";
  readonly atMs: number;
  readonly channel: string;
  readonly epoch: string;
  readonly offset: number;
  readonly id: string | undefined;
  readonly event: string;
  readonly data: unknown;
  /** The third argument of the event. */
  readonly bookmark: unknown;
  /** How many arguments the event had. */
  readonly arity: number;
  /** `socket.recovered` at that moment. */
  readonly recovered: boolean;
}

/** The subscriber was told to reload the channel: what it missed until then is lost to it, and it knows. */
export interface Reset {
  readonly kind: "reset";
  readonly atMs: number;
  readonly channel: string;
  readonly reason: string;
}

/** The connection began anew: `socket.recovered` is false, so the application knows that it must reload. */
export interface Fresh {
  readonly kind: "fresh";
  readonly atMs: number;
}

/** A publish that was answered 2xx. */
export interface Acked {
  readonly channel: string;
  readonly epoch: string;
  readonly offset: number;
  readonly id: string | undefined;
  readonly data: unknown;
  /** When it was asked for first. */
  readonly sentAtMs: number;
  readonly ackedAtMs: number;
  /** 1 when the first try was answered 2xx. */
  readonly tries: number;
}
