import { once } from "node:events";
import type { ServerResponse } from "node:http";
import {
  exampleLifecycleEvent,
  FanfareError,
  type LifecyclePage,
  lifecycleIdPattern,
  lifecycleStart,
  lifecycleTypes,
  limits,
  Type,
} from "@fanfare/domain";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { requireScope } from "../auth.ts";
import type { Context } from "../context.ts";
import { LifecycleFeed } from "../lifecycle-feed.ts";
import { type LifecycleFilter, passes, typesOf } from "../lifecycle-filter.ts";
import { openStream } from "../open-stream.ts";
import { eventAnswers } from "../openapi.ts";
import { fieldError } from "../problem.ts";
import { queryReader } from "../query.ts";

const ratesType = "rates";
/** Events read at once by whoever does not follow. */
const pageMax = 500;
/** Such pages in one request, 10,000 events: the log has up to 100,000, and those who wait behind it get their turn. */
const pagesMax = 20;
/** So that balancers see that the stream lives. */
const heartbeatMs = 15_000;

const EventsQuery = Type.Object(
  {
    types: Type.Optional(
      Type.String({
        pattern: "^[a-z_]+(?:,[a-z_]+)*$",
        description: `Only these, with commas between: ${[...lifecycleTypes, ratesType].join(", ")}.`,
      }),
    ),
    channel: Type.Optional(
      Type.String({
        pattern: "^(?=.)[A-Za-z0-9_.:@#=+/-]{0,255}\\*?$",
        description: "Only what is about this channel, or with `*` at the end about those that begin so.",
      }),
    ),
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024, description: "Only what is about this user." })),
    after: Type.Optional(
      Type.String({
        pattern: lifecycleIdPattern,
        description: "As the header Last-Event-ID, which goes before it. `0-0`: all there are.",
      }),
    ),
    follow: Type.Optional(
      Type.Boolean({
        default: true,
        description:
          "`false`: ends with what there is, by default from the oldest event on. When 10,000 events were read, whether or not they pass the filters, it ends with `more`: go on after its id.",
      }),
    ),
  },
  { additionalProperties: false },
);
const readQuery = queryReader(EventsQuery);

const EventStream = Type.String({
  description: `Server-sent events. Each has its type as \`event\`, its id, and JSON as \`data\`: ${JSON.stringify(exampleLifecycleEvent)}.`,
  examples: [
    'id: 1764000000000-0\nevent: connected\ndata: {"id":"1764000000000-0","type":"connected","at":1764000000000,"node":"gateway-1","connection":"kT0qGm2hJx8zVb4dAAAB","user":"ada","transport":"websocket","recovered":false}\n\n',
  ],
});

export function eventRoutes(app: FastifyInstance, context: Context): void {
  const { lifecycle, logError } = context;
  const feed = new LifecycleFeed(context);
  /** Streams, those that only read what there is too: each holds memory and reads for as long as its listener takes. */
  let open = 0;

  app.get(
    "/events",
    {
      // Whoever asks for the headers only would wait for the end of a stream.
      exposeHeadRoute: false,
      config: { endless: true },
      schema: {
        operationId: "listenToEvents",
        tags: ["events"],
        summary: "What happens in the cluster, as it happens",
        description:
          "Of all nodes, about half a second late. Reconnect with the last id that was heard and nothing is missed, for as long as the log reaches back (about 100,000 events): `gap` says that it does not. `rates` comes every second, is in no log and has no id: the same numbers as one item of `/v1/stats/history`. A `disconnected` ends all subscriptions of its connection, which are not told of one by one; a connection that was `recovered` tells its subscriptions again.",
        querystring: EventsQuery,
        response: eventAnswers("The stream.", EventStream, [400, 401, 403, 429, 503]),
      },
    },
    async (request, reply) => {
      requireScope(request, "read");
      const { types: names, channel, user, after, follow = true } = readQuery(request);
      const types = typesOf(names, [ratesType]);
      const from = lastEventId(request) ?? after;
      if (open >= limits.eventStreamsMax) {
        throw new FanfareError("RATE_LIMITED", { detail: `${limits.eventStreamsMax} streams are open at this process already.` });
      }
      // Before the first await: those who come together do not all find the last place free.
      open++;
      try {
        const start = from ?? (follow ? await lifecycle.newest() : lifecycleStart);
        const output = startStream(reply);
        const filter = { types, channel, user };
        const writing = follow ? followFeed(feed, start, filter, output, context) : writeAll(start, filter, output, context);
        await writing.then(
          () => output.end(),
          (thrown: unknown) => {
            if (thrown instanceof FanfareError && thrown.band === "bug") logError(thrown, request.id, request.routeOptions.url);
            output.destroy();
          },
        );
      } finally {
        open--;
      }
      return reply;
    },
  );
}

async function writeAll(start: string, filter: LifecycleFilter, output: ServerResponse, { lifecycle, closing }: Context) {
  let after = start;
  for (let pages = 0; pages < pagesMax && !closing.aborted; pages++) {
    const page = await lifecycle.read(after, pageMax);
    await write(output, textOf(page, filter), closing);
    const last = page.events.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
  // Also of events that did not pass the filter; a browser comes back with it by itself.
  await write(output, `id: ${after}\nevent: more\ndata: {}\n\n`, closing);
}

/** Each listener reads at its own pace: one that takes little is given little, and waits for nobody's memory. */
async function followFeed(
  feed: LifecycleFeed,
  start: string,
  filter: LifecycleFilter,
  output: ServerResponse,
  { closing, clock }: Context,
): Promise<void> {
  const wantsRates = (filter.types?.has(ratesType) ?? true) && filter.channel === undefined && filter.user === undefined;
  const leave = feed.listen();
  let told = feed.rates;
  let wroteAtMs = clock.monotonic();
  try {
    for (let after = start; !closing.aborted && !output.destroyed; ) {
      // While the broker is away the stream stays, as connections do.
      const page = await feed.read(after).catch((): LifecyclePage => ({ events: [], gap: false }));
      let text = textOf(page, filter);
      after = page.events.at(-1)?.id ?? (page.gap ? lifecycleStart : after);
      const { rates } = feed;
      if (wantsRates && rates !== undefined && rates !== told) {
        told = rates;
        text += `event: ${ratesType}\ndata: ${JSON.stringify({ type: ratesType, ...rates })}\n\n`;
      }
      if (text === "" && clock.monotonic() - wroteAtMs > heartbeatMs) text = ": still here\n\n";
      if (text !== "") {
        await write(output, text, closing);
        wroteAtMs = clock.monotonic();
      }
      if (page.events.length === 0) await feed.next();
    }
  } finally {
    leave();
  }
}

function textOf({ events, gap }: LifecyclePage, filter: LifecycleFilter): string {
  const heard = events
    .filter((event) => passes(event, filter))
    .map((event) => `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  return `${gap ? "event: gap\ndata: {}\n\n" : ""}${heard.join("")}`;
}

/** Resolves when there is room for more. Rejects when the listener is gone, as one is made to be that takes nothing for too long. */
async function write(output: ServerResponse, text: string, closing: AbortSignal): Promise<void> {
  if (text === "" || output.write(text)) return;
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  output.once("close", leave);
  if (output.destroyed) leave();
  const signal = AbortSignal.any([closing, gone.signal]);
  await once(output, "drain", { signal }).finally(() => output.off("close", leave));
}

function startStream(reply: FastifyReply): ServerResponse {
  // The last one is for nginx, which would collect what is written.
  const raw = openStream(reply, { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" });
  raw.on("error", () => undefined);
  return raw;
}

function lastEventId({ headers }: FastifyRequest): string | undefined {
  const id = headers["last-event-id"];
  if (id === undefined || id === "") return undefined;
  if (typeof id === "string" && new RegExp(lifecycleIdPattern).test(id)) return id;
  throw fieldError("/last-event-id", "is not an id of these events");
}
