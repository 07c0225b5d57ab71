import { ContextSchema, clientEvents, clientRequests, notices, RefusalSchema, type TSchema, Type } from "@fanfare/domain";

/** What a message carries: the arguments of its event, in their order. */
const args = (...items: readonly object[]): object =>
  items.length === 0 ? { type: "array", maxItems: 0 } : { type: "array", items, minItems: items.length, maxItems: items.length };

const position = {
  type: ["string", "null"],
  description:
    "Up to where this session has heard everything. Stock clients keep it and return it when they reconnect; null where there is nothing to return to.",
};

const connection = { $ref: "#/channels/connection" };
const inComponents = (name: string): object => ({ $ref: `#/components/messages/${name}` });
const inChannel = (name: string): object => ({ $ref: `#/channels/connection/messages/${name}` });

const publication = {
  name: "publication",
  title: "A publication",
  summary: "Under its own event name, `message` where its publisher gave none; always with three arguments.",
  payload: args({ description: "The data, as it was published." }, ContextSchema, position),
};

/** The Socket.IO side as an AsyncAPI 3.0 document, from the server's point of view: it receives requests and sends the rest. */
export function asyncApi(version: string, publicUrl: string | null): object {
  const requests = Object.entries(clientRequests).map(([name, entry]) => {
    const { summary, answer } = entry;
    const request: readonly TSchema[] = "request" in entry ? [entry.request] : name === "echo" ? [Type.Unknown()] : [];
    const yes: TSchema = Type.Object({ ok: Type.Literal(true), ...answer });
    return { name, summary, request: args(...request), answer: args(Type.Union([yes, RefusalSchema])) };
  });
  const told = Object.entries(notices).map(([name, entry]) => ({
    key: name.replace(":", "."),
    name,
    summary: entry.summary,
    payload: args(...("body" in entry ? [entry.body] : []), ...("bookmark" in entry ? [position] : [])),
  }));

  const messages = Object.fromEntries([
    ...requests.flatMap(({ name, summary, request, answer }) => [
      [name, { name, title: `The request ${name}`, summary, payload: request }],
      [`${name}.answer`, { name, title: `The answer to ${name}`, summary: "As the acknowledgement.", payload: answer }],
    ]),
    ...told.map(({ key, name, summary, payload }) => [key, { name, title: `The notice ${name}`, summary, payload }]),
    ["publication", publication],
  ]);
  const operations = Object.fromEntries([
    ...requests.map(({ name, summary }) => [
      name,
      {
        action: "receive",
        channel: connection,
        summary,
        messages: [inChannel(name)],
        reply: { channel: connection, messages: [inChannel(`${name}.answer`)] },
      },
    ]),
    [
      "notice",
      {
        action: "send",
        channel: connection,
        summary: "What is no publication.",
        messages: told.map(({ key }) => inChannel(key)),
      },
    ],
    [
      "deliver",
      { action: "send", channel: connection, summary: "Publications of channels.", messages: [inChannel("publication")] },
    ],
  ]);
  const { host, protocol } = new URL(publicUrl ?? "http://localhost:8000");
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Fanfare over Socket.IO",
      version,
      description:
        "What a Socket.IO v4 client says and hears in the namespace `/`. A payload is the list of the event's arguments. Requests are acknowledged; all others are answered with `UNKNOWN_EVENT`.",
    },
    defaultContentType: "application/json",
    servers: {
      public: {
        host,
        pathname: "/socket.io/",
        protocol: protocol === "https:" ? "wss" : "ws",
        description: "Socket.IO v5 over Engine.IO v4: websocket and long polling.",
      },
    },
    channels: {
      connection: {
        address: "/",
        title: "A connection in the namespace /",
        description:
          "`auth` of the handshake is the schema `auth`. Channels of Fanfare are named within messages: one connection serves all.",
        messages: Object.fromEntries(Object.keys(messages).map((name) => [name, inComponents(name)])),
      },
    },
    operations,
    components: { messages, schemas: { auth: clientEvents.ConnectAuth } },
  };
}
