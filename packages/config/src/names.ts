import { type SettingKey, type SettingRow, settingsTable } from "./settings.ts";

/** All rows with their keys, in the table's order, without the literal types that only the compiler needs. */
export const settingRows: readonly (readonly [SettingKey, SettingRow])[] = Object.entries(settingsTable) as [
  SettingKey,
  SettingRow,
][];

/** `adminPort` → `admin-port`, the flag without its dashes. */
export function flagOf(key: string): string {
  return key.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}

/** The known name nearest to what somebody wrote, if it is near enough to be what they meant. */
export function nearest(written: string, known: Iterable<string>): string | undefined {
  const farthest = Math.max(1, Math.floor(written.length / 3));
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of known) {
    const abbreviated = name.startsWith(`${written}_`) || name.startsWith(`${written}-`);
    const distance = abbreviated ? 1 : editDistance(written.slice(0, 100), name);
    if (distance <= farthest && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

/** Letters to insert, drop, replace, or swap with their neighbour (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let twoAbove: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped =
        row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
          ? (twoAbove[column - 2] ?? 0) + 1
          : Number.POSITIVE_INFINITY;
      current.push(Math.min(replaced, swapped, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    twoAbove = above;
    above = current;
  }
  return above[b.length] ?? 0;
}
