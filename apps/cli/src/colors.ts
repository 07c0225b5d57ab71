import picocolors from "picocolors";

/**
 * Colours on a terminal, plain text in a pipe. picocolors by itself would also colour a pipe where the variable `CI` is set;
 * NO_COLOR is honoured (no-color.org).
 */
export function colorsFor({ isTTY = false }: { readonly isTTY?: boolean }): ReturnType<typeof picocolors.createColors> {
  return picocolors.createColors(isTTY && picocolors.isColorSupported);
}
