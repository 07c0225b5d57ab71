const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** `12,345` */
export function count(value: number): string {
  return whole.format(value);
}

/** `12.3K`, and small numbers as they are. */
export function brief(value: number): string {
  return value < 10_000 ? whole.format(Math.round(value * 10) / 10) : short.format(value);
}

/** `3.4 MB` */
export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`;
  const step = value < 1_000_000 ? 1 : value < 1_000_000_000 ? 2 : 3;
  return `${Number((value / 1_000 ** step).toPrecision(3))} ${["kB", "MB", "GB"][step - 1]}`;
}

/** `1.2 ms`, `3.4 s` */
export function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms * 10) / 10} ms` : age(ms);
}

/** `12 s`, `3 min`, `5 h`, `2 d` */
export function age(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** `14:03:07` */
export function clock(at: number): string {
  return new Date(at).toLocaleTimeString("en-GB");
}

/** What stands where there is nothing to show. */
export const nothing = "–";
