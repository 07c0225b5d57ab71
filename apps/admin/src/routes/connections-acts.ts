import {
  Acted,
  ChannelActBody,
  catalogue,
  channelName,
  DisconnectQuery,
  defaultEvent,
  EmitBody,
  eventName,
  memberText,
  parseJson,
  type TSchema,
  Type,
  validator,
} from "@fanfare/domain";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Act, actOnConnection, actOnUser } from "../acts.ts";
import { requireScope } from "../auth.ts";
import { bodyText } from "../bodies.ts";
import type { Context } from "../context.ts";
import { applied, jsonBody } from "../openapi.ts";
import { queryReader, refuseQuery } from "../query.ts";

/** Whom an act is about, as the address says. */
interface Subject {
  readonly path: string;
  readonly tag: "connections" | "users";
  /** Ends the operation's id. */
  readonly noun: "Connection" | "User";
  readonly whom: string;
  readonly params: TSchema;
  readonly problems: readonly number[];
  act(request: FastifyRequest, act: Act): Promise<Acted>;
}

interface Verb {
  readonly name: "subscribe" | "unsubscribe" | "emit";
  readonly summary: (whom: string) => string;
  readonly description: string;
  readonly body: TSchema;
  readonly read: (text: string) => Act;
}

const readDisconnect = queryReader(DisconnectQuery);
const parseChannel = validator(ChannelActBody);
const parseEmit = validator(EmitBody);

const verbs: readonly Verb[] = [
  {
    name: "subscribe",
    summary: (whom) => `Subscribe ${whom} to a channel`,
    description:
      "Whatever the rules say. It lasts as long as the session, also over reconnects and the death of its node, until the client or the application ends it. The client is told with `fanfare:subscribed`.",
    body: ChannelActBody,
    read: (text) => ({ act: "subscribe", channel: channelName(parseChannel(parseJson(text)).channel) }),
  },
  {
    name: "unsubscribe",
    summary: (whom) => `Unsubscribe ${whom} from a channel`,
    description: "The client is told with `fanfare:unsubscribed`. It may subscribe again if the rules let it.",
    body: ChannelActBody,
    read: (text) => ({ act: "unsubscribe", channel: channelName(parseChannel(parseJson(text)).channel) }),
  },
  {
    name: "emit",
    summary: (whom) => `Send an event to ${whom}`,
    description:
      "`socket.on(event, (data, context, position) => …)`, as for a publication, with `context` `{ at }` and `position` null. It is in no log: who is away does not get it.",
    body: EmitBody,
    read(text) {
      const { event } = parseEmit(parseJson(text));
      return {
        act: "emit",
        event: event === undefined ? defaultEvent : eventName(event),
        json: memberText(text, "data") ?? "null",
      };
    },
  },
];

/** What is done to connections: each by its id, or all of a user. */
export function connectionActRoutes(app: FastifyInstance, context: Context): void {
  const subjects: readonly Subject[] = [
    {
      path: "/connections/:id",
      tag: "connections",
      noun: "Connection",
      whom: "a connection",
      params: Type.Object({ id: Type.String({ description: "`socket.id` of the client." }) }),
      problems: [400, 401, 403, 404, 503],
      act: (request, act) => actOnConnection((request.params as { id: string }).id, act, context),
    },
    {
      path: "/users/:user",
      tag: "users",
      noun: "User",
      whom: "all connections of a user",
      params: Type.Object({ user: Type.String({ description: "Percent-encoded." }) }),
      problems: [400, 401, 403, 503],
      act: (request, act) => actOnUser((request.params as { user: string }).user, act, context),
    },
  ];
  for (const subject of subjects) {
    disconnectRoute(app, subject);
    for (const verb of verbs) verbRoute(app, subject, verb);
  }
}

function disconnectRoute(app: FastifyInstance, { path, tag, noun, whom, params, problems, act }: Subject): void {
  app.delete(
    tag === "users" ? `${path}/connections` : path,
    {
      schema: {
        operationId: `disconnect${noun}`,
        tags: [tag],
        summary: `Disconnect ${whom}`,
        description:
          "The client is told with `fanfare:closing`. It stays away and its session is over, unless `reconnect` is true. To keep a user out, revoke the tokens first.",
        params,
        querystring: DisconnectQuery,
        response: applied(Acted, problems),
      },
    },
    async (request, reply) => {
      requireScope(request, "connections");
      const { reconnect = false, code = "ENDED_BY_SERVER", reason = catalogue.ENDED_BY_SERVER.says } = readDisconnect(request);
      return answer(reply, await act(request, { act: "disconnect", reconnect, code, reason }));
    },
  );
}

function verbRoute(app: FastifyInstance, { path, tag, noun, whom, params, problems, act }: Subject, verb: Verb): void {
  const more = verb.name === "subscribe" && tag === "connections" ? [422] : [];
  app.post(
    `${path}/${verb.name}`,
    {
      schema: {
        operationId: `${verb.name}${noun}`,
        tags: [tag],
        summary: verb.summary(whom),
        description: verb.description,
        params,
        body: jsonBody(verb.body),
        response: applied(Acted, [...problems, 413, 415, ...more]),
      },
    },
    async (request, reply) => {
      requireScope(request, "connections");
      refuseQuery(request);
      return answer(reply, await act(request, verb.read(bodyText(request))));
    },
  );
}

function answer(reply: FastifyReply, acted: Acted): FastifyReply {
  return reply.code(acted.nodesMissing === undefined ? 200 : 202).send(acted);
}
