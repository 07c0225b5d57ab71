import { FanfareError } from "./errors.ts";
import { limits } from "./limits.ts";

/*
 * Payloads are carried as the text they came as: a number of 64 bits, the order of keys and an escaped lone surrogate
 * survive, and no node parses and prints the same JSON again. For that the texts of the members of the outermost object
 * are cut out here. The scanner only runs on text that `JSON.parse` has accepted, so it need not check the grammar.
 */

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;

/** The text of one member of a JSON object, undefined where it has none. One that stands twice has its last value, as in `JSON.parse`. */
export function memberText(json: string, name: string): string | undefined {
  let found: string | undefined;
  let at = skipBlanks(json, 0) + 1;
  for (;;) {
    at = skipBlanks(json, at);
    if (json.charCodeAt(at) === comma) at = skipBlanks(json, at + 1);
    if (json.charCodeAt(at) !== quote) return found;
    const keyEnd = stringEnd(json, at);
    const start = skipBlanks(json, skipBlanks(json, keyEnd) + 1);
    const end = valueEnd(json, start);
    if (isKey(json, at, keyEnd, name)) found = json.slice(start, end);
    at = end;
  }
}

/** The texts of the items of a JSON array. */
export function itemTexts(json: string): string[] {
  const items: string[] = [];
  let at = skipBlanks(json, 0) + 1;
  for (;;) {
    at = skipBlanks(json, at);
    if (json.charCodeAt(at) === comma) at = skipBlanks(json, at + 1);
    if (closes(json.charCodeAt(at))) return items;
    const end = valueEnd(json, at);
    items.push(json.slice(at, end));
    at = end;
  }
}

/** Parses JSON whose nesting is within {@link limits.jsonDepthMax}. Throws `JSON_INVALID` or `JSON_TOO_DEEP`. */
export function parseJson(text: string): unknown {
  // Before parsing, so that a bomb of brackets is refused by a loop and not by a parser's stack.
  if (depthOf(text) > limits.jsonDepthMax) throw new FanfareError("JSON_TOO_DEEP");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FanfareError("JSON_INVALID", { cause });
  }
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = stringEnd(text, at) - 1;
    else if (opens(code)) {
      if (++depth > deepest) deepest = depth;
    } else if (closes(code)) depth--;
  }
  return deepest;
}

/** The index after the closing quote of the string that opens at `at`, or the text's end when it never closes. */
function stringEnd(text: string, at: number): number {
  for (let close = text.indexOf('"', at + 1); close !== -1; close = text.indexOf('"', close + 1)) {
    let slashes = 0;
    while (text.charCodeAt(close - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return close + 1;
  }
  return text.length;
}

function valueEnd(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === quote) return stringEnd(text, at);
  if (!opens(first)) {
    while (at < text.length && !endsScalar(text.charCodeAt(at))) at++;
    return at;
  }
  let depth = 0;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = stringEnd(text, at) - 1;
    else if (opens(code)) depth++;
    else if (closes(code) && --depth === 0) return at + 1;
  }
  return at;
}

function skipBlanks(text: string, at: number): number {
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  return at;
}

/** Keys may be written with escapes. */
function isKey(json: string, start: number, end: number, name: string): boolean {
  const text = json.slice(start + 1, end - 1);
  return text === name || (text.includes("\\") && JSON.parse(json.slice(start, end)) === name);
}

function opens(code: number): boolean {
  return code === 0x7b || code === 0x5b;
}

function closes(code: number): boolean {
  return code === 0x7d || code === 0x5d;
}

function endsScalar(code: number): boolean {
  return code <= 0x20 || code === comma || closes(code);
}
