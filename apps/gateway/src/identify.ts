import { anonymous, clientAddress, type Identity } from "@fanfare/access";
import { FanfareError } from "@fanfare/domain";
import type { HandlerParts } from "./handlers/handler.ts";
import type { ClientSocket } from "./session.ts";

/** Characters of one header that the application is shown. */
const headerLengthMax = 8_192;
const shownHeaders = ["cookie", "authorization", "origin", "user-agent"] as const;

/**
 * Who the client is: by its token, by what the application answers, or by both. Throws `TOKEN_INVALID`, `TOKEN_EXPIRED`,
 * `TOKEN_REVOKED`, `FORBIDDEN`, or an error of the band `dependency` when it cannot be known now.
 */
export async function identify(
  socket: ClientSocket,
  { tokens, authorizer, revocations, trusted }: Pick<HandlerParts, "tokens" | "authorizer" | "revocations" | "trusted">,
  token: string | undefined,
): Promise<Identity> {
  if (token !== undefined && tokens === undefined && authorizer === undefined) {
    throw new FanfareError("TOKEN_INVALID", { detail: "This server has no key to check tokens with." });
  }
  const byToken = token === undefined || tokens === undefined ? anonymous : await tokens.verify(token);
  if (authorizer === undefined) {
    revocations?.refuse(byToken);
    return byToken;
  }
  const identity = await authorizer.connect(
    {
      user: byToken.user ?? null,
      token: tokens === undefined ? (token ?? null) : null,
      address: clientAddress(socket.handshake.address, socket.handshake.headers["x-forwarded-for"], trusted),
      headers: headersOf(socket),
    },
    byToken,
  );
  revocations?.refuse(identity);
  return identity;
}

function headersOf({ handshake }: ClientSocket): Record<string, string> {
  const headers = shownHeaders.map((name) => [name, handshake.headers[name]] as const);
  return Object.fromEntries(
    headers.flatMap(([name, value]) => (typeof value === "string" ? [[name, value.slice(0, headerLengthMax)]] : [])),
  );
}
