export interface Welcome {
  readonly id: string;
  readonly node: string;
}

/** The number to draw, NaN when the data holds none. */
export function numberOf(data: unknown): number {
  const y = (data as { y?: unknown } | null | undefined)?.y;
  return typeof y === "number" ? y : Number.NaN;
}
