import type { ErrorBody } from "@fanfare/domain";
import { RequestError } from "./request-error.ts";
import type { StockSocket } from "./stock-socket.ts";

export type Answer<Fields> = ({ readonly ok: true } & Fields) | { readonly ok: false; readonly error: ErrorBody };

/** How long a request may stay unanswered before it is sent again. */
export const answerMsDefault = 5_000;
/** How long a publish or a read of history is tried. Far below the time for which a publication's id is remembered. */
export const patienceMsDefault = 30_000;

/** Asks once. Undefined when no answer has come: none in time, or the connection ended. */
export async function ask<Fields>(
  socket: StockSocket,
  event: string,
  request: object,
  answerMs: number,
): Promise<Answer<Fields> | undefined> {
  try {
    return (await socket.timeout(answerMs).emitWithAck(event, request)) as Answer<Fields>;
  } catch {
    return undefined;
  }
}

export interface Patience {
  readonly answerMs: number;
  readonly patienceMs: number;
}

/**
 * Asks until there is an answer, across reconnects; what the server asks to try later is tried later. For requests that may
 * be sent twice. Rejects with a {@link RequestError}.
 */
export async function askPatiently<Fields>(
  socket: StockSocket,
  event: string,
  request: object,
  { answerMs, patienceMs }: Patience,
): Promise<Fields> {
  const deadline = Date.now() + patienceMs;
  const leftMs = (): number => deadline - Date.now();
  let refusal: ErrorBody | undefined;
  while (leftMs() > 0) {
    if (!(await connected(socket, leftMs()))) break;
    const answer = await ask<Fields>(socket, event, request, Math.min(answerMs, Math.max(1, leftMs())));
    if (answer === undefined) continue;
    if (answer.ok) return answer;
    refusal = answer.error;
    if (refusal.retryAfterMs === undefined) break;
    await pause(Math.min(jittered(refusal.retryAfterMs), Math.max(0, leftMs())));
  }
  throw new RequestError(refusal ?? { code: "NO_ANSWER", message: `No answer to ${event} within ${patienceMs} ms.` });
}

/** Never earlier than asked for, and not all clients at once. */
export function jittered(ms: number): number {
  return ms * (1 + Math.random() / 2);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

/** False when the socket is still not connected after `ms`. */
function connected(socket: StockSocket, ms: number): Promise<boolean> {
  if (socket.connected) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      socket.off("connect", settle);
      resolve(socket.connected);
    };
    const timer = setTimeout(settle, ms);
    socket.on("connect", settle);
  });
}
