const filler = "x".repeat(1_024);

/** JSON of exactly `bytes` bytes: a number, the time it was made, and padding. */
export function payload(n: number, atMicros: number, bytes: number): string {
  const head = `{"n":${n},"t":${atMicros},"p":"`;
  return `${head}${filler.slice(0, Math.max(0, bytes - head.length - 2))}"}`;
}
