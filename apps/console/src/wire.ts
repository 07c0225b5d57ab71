import type { ErrorBody, Position } from "@fanfare/domain";

/** What comes with every publication as its second argument. */
export interface Context extends Position {
  readonly channel: string;
  /** Publish time: milliseconds since 1970. */
  readonly at: number;
}

export interface Welcome {
  readonly id: string;
  readonly node: string;
}

export type SubscribeAnswer =
  | ({ readonly ok: true; readonly recovered: boolean; readonly replayed: number } & Position)
  | { readonly ok: false; readonly error: ErrorBody };

/** The context among the arguments of an event, or undefined for what is no publication of `channel`. */
export function contextOf(channel: string, args: readonly unknown[]): Context | undefined {
  const context = args[1] as Partial<Context> | null | undefined;
  return context?.channel === channel && typeof context.offset === "number" ? (context as Context) : undefined;
}

/** The number to draw, NaN when the data holds none. */
export function numberOf(data: unknown): number {
  const y = (data as { y?: unknown } | null | undefined)?.y;
  return typeof y === "number" ? y : Number.NaN;
}
