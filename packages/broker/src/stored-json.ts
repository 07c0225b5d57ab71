import type { Commands } from "./commands.ts";

/** What every member that is named must be; others may be there too, as later versions add them. */
type Shape = Readonly<Record<string, (value: unknown) => boolean>>;

export const isText = (value: unknown): boolean => typeof value === "string";
export const isNumber = (value: unknown): boolean => typeof value === "number";
export const isTextOrNull = (value: unknown): boolean => value === null || isText(value);
export const isUrl = (value: unknown): boolean => typeof value === "string" && /^https?:\/\//.test(value) && URL.canParse(value);

/**
 * Reads an object that a node has written into Redis, or undefined when no node can have written it: whoever may write there
 * may write anything, and one such text must cost no more than itself. It is counted with the connection it came over.
 */
export function storedJson<Value extends object>(
  text: string,
  shape: Shape,
  commands: Pick<Commands, "unreadable">,
): Value | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const members = typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  if (members !== undefined && Object.entries(shape).every(([name, fits]) => fits(members[name]))) return members as Value;
  commands.unreadable();
  return undefined;
}
