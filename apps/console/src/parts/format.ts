const whole = new Intl.NumberFormat("en");

/** `12,345` */
export function count(value: number): string {
  return whole.format(value);
}

/** What stands where there is nothing to show. */
export const nothing = "–";
