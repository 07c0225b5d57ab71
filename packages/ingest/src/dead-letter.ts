import type { FanfareError } from "@fanfare/domain";

/** Why a message lies where it lies, for the person who finds it: a code of docs/ERRORS.md and a sentence. */
export function reasonText(reason: FanfareError): string {
  const fields = (reason.errors ?? []).map(({ path, message }) => ` ${path} ${message}.`).join("");
  return `${reason.code}: ${reason.message}${fields}`;
}
