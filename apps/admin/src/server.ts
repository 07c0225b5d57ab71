import {
  type AdminKeys,
  arrival,
  clientAddress,
  closeUnread,
  type Rules,
  type TokenVerifier,
  type TrustedProxies,
  trustedProxies,
} from "@fanfare/access";
import {
  type Broker,
  type Clock,
  type Deliveries,
  type Directory,
  FanfareError,
  type LifecycleLog,
  type Presence,
  type Receipts,
  type Registry,
  type Revocations,
  type Schedule,
  systemClock,
} from "@fanfare/domain";
import type { Log, Metrics } from "@fanfare/telemetry";
import { type FastifyInstance, type FastifyRequest, fastify } from "fastify";
import { createAtomicPublisher } from "./atomic.ts";
import { type AuditLevel, auditWrites } from "./audit.ts";
import { type KeyCheck, limitPublishes, requireKey } from "./auth.ts";
import { AuthThrottle } from "./auth-throttle.ts";
import { acceptBodies } from "./bodies.ts";
import { limitBodyTime } from "./body-deadline.ts";
import { answerClientError } from "./client-error.ts";
import type { Context } from "./context.ts";
import { answerBadUrl, answerErrors } from "./error-answers.ts";
import { createErrorLog } from "./error-log.ts";
import { watchMethods } from "./other-methods.ts";
import { createPeers } from "./peers.ts";
import { createPublisher } from "./publisher.ts";
import { createReceiptGranter } from "./receipt-granter.ts";
import { requestIdOf } from "./request-id.ts";
import { countRequests } from "./request-metrics.ts";
import { accessRoutes } from "./routes/access.ts";
import { channelRoutes } from "./routes/channels.ts";
import { connectionRoutes } from "./routes/connections.ts";
import { connectionActRoutes } from "./routes/connections-acts.ts";
import { consoleRoutes } from "./routes/console.ts";
import { docsRoutes, openApi } from "./routes/docs.ts";
import { eventRoutes } from "./routes/events.ts";
import { healthRoutes } from "./routes/health.ts";
import { historyRoutes } from "./routes/history.ts";
import { keyRoutes } from "./routes/keys.ts";
import { nodeRoutes } from "./routes/nodes.ts";
import { presenceRoutes } from "./routes/presence.ts";
import { publishRoute } from "./routes/publish.ts";
import { publishBatchRoute } from "./routes/publish-batch.ts";
import { publishStreamRoute } from "./routes/publish-stream.ts";
import { receiptRoute } from "./routes/receipts.ts";
import { revocationRoutes } from "./routes/revocations.ts";
import { scheduledRoutes } from "./routes/scheduled.ts";
import { statsRoutes } from "./routes/stats.ts";
import { userRoutes } from "./routes/users.ts";
import { webhookRoutes } from "./routes/webhooks.ts";
import type { TellNodes } from "./tell-nodes.ts";

export interface AdminParts {
  readonly broker: Broker;
  readonly directory: Directory;
  readonly registry: Registry;
  readonly presence: Presence;
  readonly lifecycle: LifecycleLog;
  readonly deliveries: Deliveries;
  readonly receipts: Receipts;
  readonly revocations: Revocations;
  readonly schedule: Schedule;
  /** Told when something was scheduled that is due in so many milliseconds. */
  readonly expectScheduled: (inMs: number) => void;
  /** How long the longest token lives: a revocation is kept as long. */
  readonly tokenTtlMaxMs: number;
  /** Checks what clients show as their token. Absent: none is accepted. */
  readonly tokens?: TokenVerifier | undefined;
  /** Signs tokens to try things out. Absent: there are none. */
  readonly tokenSecret?: string | undefined;
  /** Where the console may have a node killed. Absent: nowhere. */
  readonly controlUrl?: string | undefined;
  readonly tellNodes: TellNodes;
  readonly rules: Rules;
  readonly keys: AdminKeys;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Where the console's built files are. Absent: it is not served. */
  readonly console?: string | undefined;
  /** Where browsers reach the nodes. Absent: this host's port 8000. */
  readonly url?: string | undefined;
  /** What nodes obey. Absent: they obey nobody. */
  readonly clusterSecret?: string | undefined;
  /** Which requests leave a line in the log. Absent: all writes. */
  readonly audit?: AuditLevel;
  /** Whose X-Forwarded-For counts. Absent: nobody's. */
  readonly trustedProxies?: TrustedProxies;
  /** Publications that one key may make in a second. Absent or 0: as many as it likes. */
  readonly publishesPerKey?: number;
  /** Publications of a second that may have a receipt. Absent or 0: none. */
  readonly receiptsPerSecond?: number;
  /** Wrong keys that one address may show in a minute. */
  readonly wrongKeysPerMinute?: number;
  readonly clock?: Clock;
  readonly version: string;
}

/** Longer than any path with a channel whose every byte is percent-encoded, so that a long name is told apart from a wrong address. */
const paramLengthMax = 8_192;

/** The admin API, not yet listening. */
export async function createAdmin(parts: AdminParts): Promise<FastifyInstance> {
  const { broker, directory, rules, keys, log, metrics, clock = systemClock } = parts;
  const trusted = parts.trustedProxies ?? trustedProxies([]);
  const addressOf = ({ raw }: FastifyRequest): string =>
    clientAddress(raw.socket.remoteAddress ?? "", raw.headers["x-forwarded-for"], trusted);
  const closing = new AbortController();
  const logError = createErrorLog(log);

  const app = fastify({
    logger: false,
    http: arrival,
    // Streams may take all day: limitBodyTime stands for it.
    requestTimeout: 0,
    routerOptions: { maxParamLength: paramLengthMax },
    genReqId: requestIdOf,
    clientErrorHandler: answerClientError,
    frameworkErrors: answerBadUrl,
    return503OnClosing: false,
  });

  // Schemas only make the OpenAPI document: handlers check requests against the domain's schemas, on the raw text.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  app.decorateRequest("adminKey", null);
  acceptBodies(app);
  answerErrors(app, logError);
  limitBodyTime(app, arrival.requestTimeout, clock);
  closeUnread(app.server, clock);
  countRequests(app, metrics);
  auditWrites(app, log, parts.audit ?? "all", addressOf);
  limitPublishes(app, parts.publishesPerKey ?? 0, clock);

  app.addHook("onRequest", (request, reply, done) => {
    reply.header("x-request-id", request.id).header("x-content-type-options", "nosniff");
    done();
  });
  app.addHook("onSend", (_request, reply, _payload, done) => {
    // A connection that is kept alive would hold the server open until it times out.
    if (closing.signal.aborted) reply.header("connection", "close");
    done();
  });
  app.addHook("preClose", (done) => {
    closing.abort();
    done();
  });

  const peers = createPeers(parts.clusterSecret);
  app.addHook("onClose", (_app, done) => {
    peers.close();
    done();
  });
  const { receipts, receiptsPerSecond: perSecond = 0 } = parts;
  const granter = createReceiptGranter({ receipts, rules, metrics, clock, perSecond });
  const context: Context = {
    broker,
    directory,
    registry: parts.registry,
    presence: parts.presence,
    lifecycle: parts.lifecycle,
    deliveries: parts.deliveries,
    receipts: parts.receipts,
    revocations: parts.revocations,
    tokenTtlMaxMs: parts.tokenTtlMaxMs,
    tokens: parts.tokens,
    tokenSecret: parts.tokenSecret,
    tellNodes: parts.tellNodes,
    clock,
    peers,
    rules,
    keys,
    metrics,
    schedule: parts.schedule,
    expectScheduled: parts.expectScheduled,
    publish: createPublisher(broker, rules, metrics, granter),
    publishAll: createAtomicPublisher(broker, rules, metrics, granter),
    logError,
    closing: closing.signal,
  };

  const check: KeyCheck = { keys, throttle: new AuthThrottle(clock, parts.wrongKeysPerMinute), addressOf, clock };
  await openApi(app, parts.version);
  await app.register(async (v1) => registerV1(v1, context, check), { prefix: "/v1" });
  await app.register(async (open) => {
    const refuseOtherMethods = watchMethods(open);
    healthRoutes(open, context);
    refuseOtherMethods();
  });
  await app.register(async (docs) => docsRoutes(docs, parts.version, parts.url ?? null));
  await app.register(async (pages) => consoleRoutes(pages, parts.console, { url: parts.url ?? null, control: parts.controlUrl }));
  return app;
}

function registerV1(app: FastifyInstance, context: Context, check: KeyCheck): void {
  const { closing } = context;
  requireKey(app, check);
  app.addHook("onRequest", (_request, reply, done) => {
    reply.header("cache-control", "no-store");
    done(closing.aborted ? new FanfareError("DRAINING") : undefined);
  });
  const refuseOtherMethods = watchMethods(app);
  publishRoute(app, context);
  publishBatchRoute(app, context);
  publishStreamRoute(app, context);
  receiptRoute(app, context);
  scheduledRoutes(app, context);
  channelRoutes(app, context);
  connectionRoutes(app, context);
  connectionActRoutes(app, context);
  userRoutes(app, context);
  statsRoutes(app, context);
  historyRoutes(app, context);
  presenceRoutes(app, context);
  nodeRoutes(app, context);
  eventRoutes(app, context);
  webhookRoutes(app, context);
  keyRoutes(app, context);
  revocationRoutes(app, context);
  accessRoutes(app, context);
  refuseOtherMethods();
  app.setNotFoundHandler((_request, _reply) => {
    throw new FanfareError("NOT_FOUND");
  });
}
