import { randomBytes } from "node:crypto";
import {
  FanfareError,
  limits,
  parseJson,
  type Revocation,
  RevocationBody,
  RevocationRemoved,
  RevocationRequest,
  RevocationSchema,
  RevocationsPage,
  revokedAheadMaxMs,
  Type,
  validator,
} from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import { bodyText } from "../bodies.ts";
import type { Context } from "../context.ts";
import { answers, jsonBody } from "../openapi.ts";
import { fieldError } from "../problem.ts";
import { queryReader, refuseQuery } from "../query.ts";

const parseBody = validator(RevocationBody);

const ListQuery = Type.Object(
  {
    cursor: Type.Optional(
      Type.String({ pattern: "^[0-9]{16}\\.[A-Za-z0-9_-]{1,32}$", description: "As `next` of the page before." }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.revocationsMax, default: 100 })),
  },
  { additionalProperties: false },
);
const readQuery = queryReader(ListQuery);
const RevocationParams = Type.Object({ id: Type.String({ description: "As `GET /v1/revocations` names it." }) });

export function revocationRoutes(app: FastifyInstance, { revocations, tokenTtlMaxMs, clock, tellNodes }: Context): void {
  app.post(
    "/revocations",
    {
      schema: {
        operationId: "revoke",
        tags: ["revocations"],
        summary: "Stop accepting tokens that were given out",
        description:
          "Tokens that all of the named conditions fit: of this user, with this `jti`, issued before an instant. A user alone means all of the user's tokens issued until now; one that is issued afterwards is good again. Connections are closed on every node within two seconds, and do not come back.",
        body: jsonBody(RevocationRequest),
        response: answers("It is in force.", RevocationSchema, [400, 401, 403, 413, 415, 422, 503]),
      },
    },
    async (request) => {
      requireScope(request, "connections");
      refuseQuery(request);
      const revocation = draftOf(parseBody(parseJson(bodyText(request))), clock.now(), tokenTtlMaxMs);
      await revocations.add(revocation);
      tellNodes({ compare: "revocations" });
      return revocation;
    },
  );

  app.get(
    "/revocations",
    {
      schema: {
        operationId: "listRevocations",
        tags: ["revocations"],
        summary: "What is revoked now",
        querystring: ListQuery,
        response: answers("Oldest first.", RevocationsPage, [400, 401, 403, 503]),
      },
    },
    async (request) => {
      requireScope(request, "read");
      const { cursor = "", limit = 100 } = readQuery(request);
      const now = clock.now();
      const { items = [] } = (await revocations.changedSince("never")) ?? {};
      const rest = items
        .filter(({ endsAt }) => endsAt > now)
        .map((item) => ({ item, place: placeOf(item) }))
        .sort((a, b) => (a.place < b.place ? -1 : 1))
        .filter(({ place }) => place > cursor);
      const page = rest.slice(0, limit);
      return { items: page.map(({ item }) => item), next: rest.length > limit ? (page.at(-1)?.place ?? null) : null };
    },
  );

  app.delete<{ Params: { id: string } }>(
    "/revocations/:id",
    {
      schema: {
        operationId: "unrevoke",
        tags: ["revocations"],
        summary: "Take a revocation back",
        description: "Tokens that it fitted are accepted again, on every node within two seconds.",
        params: RevocationParams,
        response: answers("It is no longer in force.", RevocationRemoved, [400, 401, 403, 404, 503]),
      },
    },
    async (request) => {
      requireScope(request, "connections");
      refuseQuery(request);
      const { id } = request.params;
      if (!(await revocations.remove(id))) throw new FanfareError("NOT_FOUND", { detail: "There is no revocation of this id." });
      tellNodes({ compare: "revocations" });
      return { id, removed: true };
    },
  );
}

function draftOf({ user, tokenId, issuedBefore, reason }: RevocationBody, now: number, tokenTtlMaxMs: number): Revocation {
  if (user === undefined && tokenId === undefined && issuedBefore === undefined) {
    throw fieldError("", "must name user, tokenId or issuedBefore");
  }
  if (issuedBefore !== undefined && issuedBefore > now + revokedAheadMaxMs) {
    throw fieldError("/issuedBefore", "is more than 366 days ahead; it is in milliseconds since 1970");
  }
  const before = issuedBefore ?? (tokenId === undefined ? now : undefined);
  return {
    id: randomBytes(9).toString("base64url"),
    ...(user === undefined ? {} : { user }),
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(before === undefined ? {} : { issuedBefore: before }),
    ...(reason === undefined ? {} : { reason }),
    at: now,
    // The youngest token that it fits was issued now, or is issued just before that instant.
    endsAt: Math.max(now, before ?? 0) + tokenTtlMaxMs + skewMs,
  };
}

/** For the clock of who signs, which may be ahead, and for that of nodes. */
const skewMs = 60_000;

/** Where it stands in the order of the list. */
function placeOf({ at, id }: Revocation): string {
  return `${String(at).padStart(16, "0")}.${id}`;
}
