import { createServer } from "node:net";
import { FanfareError, type FieldError } from "@fanfare/domain";

export interface PortWish {
  readonly flag: string;
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
}

/**
 * The ports that were wished for, 0 replaced by a free one. Throws `SETTINGS_INVALID` naming the flag of every port that
 * is taken, so that nothing is started which would have to be ended again.
 */
export async function freePorts(wishes: readonly PortWish[]): Promise<number[]> {
  const mistakes: FieldError[] = [];
  const ports: number[] = [];
  for (const { flag, host, port } of wishes) {
    const got = await tryPort(host, port);
    if (typeof got === "number" && !ports.includes(got)) ports.push(got);
    else mistakes.push({ path: flag, message: `${reasonOf(got)}: give another port, or 0 for any free one` });
  }
  if (mistakes.length > 0) throw new FanfareError("SETTINGS_INVALID", { detail: "Not every port can be had.", errors: mistakes });
  return ports;

  function reasonOf(got: number | NodeJS.ErrnoException): string {
    if (typeof got === "number") return `${got} is wished for twice`;
    const wish = wishes[ports.length + mistakes.length];
    if (got.code === "EADDRINUSE") return `${wish?.port} is taken by another process`;
    if (got.code === "EACCES") return `${wish?.port} needs more rights than this user has`;
    return `${wish?.host}:${wish?.port} cannot be listened on (${got.code})`;
  }
}

/** Listens for a moment. */
function tryPort(host: string, port: number): Promise<number | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : port));
    });
  });
}
