/** Who may serve a metric: a process shows what it can count. `serve` is gateway and admin in one process and shows all. */
export type MetricsApp = "gateway" | "admin" | "serve" | "ingest";

/** One metric, as operators see it. From this the prom-client objects and docs/METRICS.md are made. */
export interface MetricRow {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** Label name → the values it takes, for the reader of the docs. All sets are small and closed. */
  readonly labels: Readonly<Record<string, string>>;
  readonly app: "gateway" | "admin" | "ingest" | "all";
  /** Upper bounds of a histogram's buckets, in the unit of its name. */
  readonly buckets?: readonly number[];
}

const publishSeconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2] as const;
const roundTripSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2] as const;
const deliverySeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
const httpSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const;

const sources = "zeromq, amqp, redis-stream, redis-pattern, redis-emitter";

/** All metrics, by the name that the code uses for them. */
export const metricsTable = {
  connections: {
    name: "fanfare_connections",
    type: "gauge",
    help: "Open client connections.",
    labels: { transport: "websocket, polling" },
    app: "gateway",
  },
  connects: {
    name: "fanfare_connections_total",
    type: "counter",
    help: "Client connections ever opened, by the transport they began with.",
    labels: { transport: "websocket, polling" },
    app: "gateway",
  },
  disconnects: {
    name: "fanfare_disconnections_total",
    type: "counter",
    help: "Client connections that ended.",
    labels: { reason: "Socket.IO's name for why, such as transport close" },
    app: "gateway",
  },
  rebalanced: {
    name: "fanfare_rebalanced_connections_total",
    type: "counter",
    help: "Connections that the node gave away because it had far more than others.",
    labels: {},
    app: "gateway",
  },
  ready: {
    name: "fanfare_ready",
    type: "gauge",
    help: "1 while /readyz says that the node should get clients, else 0.",
    labels: {},
    app: "gateway",
  },
  canaryAge: {
    name: "fanfare_canary_age_seconds",
    type: "gauge",
    help: "How long ago a canary last came back, on the partition where that is longest; -1 before the first. One is sent every 5 s.",
    labels: {},
    app: "gateway",
  },
  canaryDuration: {
    name: "fanfare_canary_duration_seconds",
    type: "histogram",
    help: "Time that canaries took from this node through the broker back to it: the way of every publication, by one clock.",
    labels: {},
    app: "gateway",
    buckets: roundTripSeconds,
  },
  deliveryDelay: {
    name: "fanfare_delivery_delay_seconds",
    type: "histogram",
    help: "Time from the storing of a publication, by the broker's clock, to its writing to this node's connections, by the node's. Replayed ones do not count.",
    labels: {},
    app: "gateway",
    buckets: deliverySeconds,
  },
  leaseAge: {
    name: "fanfare_lease_age_seconds",
    type: "gauge",
    help: "How long ago the node's lease was last renewed; -1 before the first time. After 6 s the others take the node for lost.",
    labels: {},
    app: "gateway",
  },
  leaseDuration: {
    name: "fanfare_lease_duration_seconds",
    type: "histogram",
    help: "Time that the broker took to renew the node's lease, a small command every 2 s: how fast it answers, whatever the load here.",
    labels: {},
    app: "gateway",
    buckets: roundTripSeconds,
  },
  recoveries: {
    name: "fanfare_recoveries_total",
    type: "counter",
    help: "Connections of clients that came back with a session.",
    labels: { outcome: "resumed, unknown (it was not found, and the client began anew)" },
    app: "gateway",
  },
  unsentBytes: {
    name: "fanfare_unsent_bytes",
    type: "gauge",
    help: "Bytes that wait to be sent, all connections together, looked at every few seconds.",
    labels: {},
    app: "gateway",
  },
  eventLoopDelay: {
    name: "fanfare_event_loop_delay_seconds",
    type: "gauge",
    help: "By how much the event loop was late in the last second, on the average.",
    labels: {},
    app: "gateway",
  },
  shedMemory: {
    name: "fanfare_shed_memory_bytes",
    type: "gauge",
    help: "Memory of the process from which on it takes no new connections; 0 without such a limit.",
    labels: {},
    app: "gateway",
  },
  shedding: {
    name: "fanfare_shedding",
    type: "gauge",
    help: "1 while the node takes no new connections because of this, else 0.",
    labels: { burden: "memory, event_loop, descriptors" },
    app: "gateway",
  },
  lifecycleEvents: {
    name: "fanfare_events_total",
    type: "counter",
    help: "Events written to the log of what happens to connections, channels and nodes.",
    labels: { type: "connected, disconnected, subscribed, unsubscribed, channel_occupied, channel_vacated, node_joined, ..." },
    app: "gateway",
  },
  lifecycleDropped: {
    name: "fanfare_events_dropped_total",
    type: "counter",
    help: "Events given up because the broker was away for longer than they could be kept.",
    labels: {},
    app: "gateway",
  },
  webhookRequests: {
    name: "fanfare_webhook_requests_total",
    type: "counter",
    help: "Batches of events that were sent to the application.",
    labels: { outcome: "delivered, failed, given_up" },
    app: "admin",
  },
  webhookEvents: {
    name: "fanfare_webhook_events_total",
    type: "counter",
    help: "Events that the application has accepted.",
    labels: {},
    app: "admin",
  },
  webhookLag: {
    name: "fanfare_webhook_lag_seconds",
    type: "gauge",
    help: "Age of the oldest event that is to be delivered; 0 when all are. Of the one process that delivers.",
    labels: {},
    app: "admin",
  },
  subscriptions: {
    name: "fanfare_subscriptions",
    type: "gauge",
    help: "Subscriptions of this node's connections, all channels together.",
    labels: {},
    app: "gateway",
  },
  channels: {
    name: "fanfare_channels",
    type: "gauge",
    help: "Channels with at least one subscriber on this node.",
    labels: {},
    app: "gateway",
  },
  requests: {
    name: "fanfare_requests_total",
    type: "counter",
    help: "Requests of clients over their connection.",
    labels: { request: "name of the request, unknown for any other", outcome: "ok, or the error code" },
    app: "gateway",
  },
  deliveries: {
    name: "fanfare_deliveries_total",
    type: "counter",
    help: "Publications written to a connection: one publication to ten subscribers counts ten.",
    labels: {},
    app: "gateway",
  },
  announcements: {
    name: "fanfare_announcements_total",
    type: "counter",
    help: "Announcements heard from the broker, by what they turned out to be.",
    labels: { outcome: "next, duplicate, gap, epoch, diverged, foreign, garbage" },
    app: "gateway",
  },
  replayed: {
    name: "fanfare_replayed_publications_total",
    type: "counter",
    help: "Publications sent again from a channel's log, for since, rewind and recovery.",
    labels: {},
    app: "gateway",
  },
  repairs: {
    name: "fanfare_repairs_total",
    type: "counter",
    help: "Times that a channel was held up to be compared with the broker and what was missing delivered from the log.",
    labels: { outcome: "filled, failed" },
    app: "gateway",
  },
  resets: {
    name: "fanfare_resets_total",
    type: "counter",
    help: "Times that a channel's subscribers were told to reload, because the log could not give what they missed.",
    labels: { reason: "epoch_changed, trimmed, diverged" },
    app: "gateway",
  },
  closings: {
    name: "fanfare_closings_total",
    type: "counter",
    help: "Connections that this node has closed, by why.",
    labels: { code: "TOKEN_EXPIRED, TOKEN_REVOKED" },
    app: "gateway",
  },
  authorizeRequests: {
    name: "fanfare_authorize_requests_total",
    type: "counter",
    help: "Questions to FANFARE_AUTHORIZE_URL that were not answered from memory.",
    labels: {
      action: "connect, subscribe, publish",
      outcome: "allowed, refused, failed (no answer of use within a second), held (not asked: it has failed too often)",
    },
    app: "gateway",
  },
  revocations: {
    name: "fanfare_revocations",
    type: "gauge",
    help: "Revocations that this node goes by.",
    labels: {},
    app: "gateway",
  },
  rulesReloads: {
    name: "fanfare_rules_reloads_total",
    type: "counter",
    help: "Times that the rules file was read again. After refused the rules before it hold.",
    labels: { outcome: "loaded, refused" },
    app: "all",
  },
  flushes: {
    name: "fanfare_flushes_total",
    type: "counter",
    help: "Times that what was collected for this node's connections was written.",
    labels: {},
    app: "gateway",
  },
  flushed: {
    name: "fanfare_flushed_connections_total",
    type: "counter",
    help: "Writes of collected publications, one per connection and flush: deliveries divided by it is what was joined.",
    labels: {},
    app: "gateway",
  },
  slowClients: {
    name: "fanfare_slow_clients_total",
    type: "counter",
    help: "Times that a connection was behind, by what became of it.",
    labels: { outcome: "held (it gets nothing more for a while), caught_up, disconnected" },
    app: "gateway",
  },
  withheld: {
    name: "fanfare_withheld_publications_total",
    type: "counter",
    help: "Publications that were not sent to a connection because it was behind, by the channel's rule.",
    labels: { rule: "disconnect, latest, catchup" },
    app: "gateway",
  },
  heldConnections: {
    name: "fanfare_held_connections",
    type: "gauge",
    help: "Connections that are behind and get nothing more until they have drained.",
    labels: {},
    app: "gateway",
  },
  connectionErrors: {
    name: "fanfare_connection_errors_total",
    type: "counter",
    help: "Connections that were refused or broken before they were open.",
    labels: { code: "an error code of docs/ERRORS.md, or ENGINE_ and the number that Engine.IO gives" },
    app: "gateway",
  },
  relayRequests: {
    name: "fanfare_relay_requests_total",
    type: "counter",
    help: "Requests for sessions of other nodes that arrived here.",
    labels: {
      kind: "poll, post, upgrade",
      outcome:
        "forwarded, aborted (by the client), unknown (no such node), unreachable (it does not answer), broken (in the middle), refused (another secret), draining",
    },
    app: "gateway",
  },
  takeovers: {
    name: "fanfare_takeovers_total",
    type: "counter",
    help: "Upgrades for sessions of other nodes, by whether the session moved here. What did not move is spliced.",
    labels: { outcome: "taken, missed (it had begun there), failed" },
    app: "gateway",
  },
  splices: {
    name: "fanfare_spliced_connections",
    type: "gauge",
    help: "Websockets of other nodes' sessions that pass through this node.",
    labels: {},
    app: "gateway",
  },
  httpRequests: {
    name: "fanfare_http_requests_total",
    type: "counter",
    help: "Requests to the admin API.",
    labels: { method: "the HTTP method", route: "the route's pattern, never the address asked for", status: "the HTTP status" },
    app: "admin",
  },
  httpDuration: {
    name: "fanfare_http_request_duration_seconds",
    type: "histogram",
    help: "Time from the request to the end of the answer.",
    labels: { route: "the route's pattern" },
    app: "admin",
    buckets: httpSeconds,
  },
  ingestConsumed: {
    name: "fanfare_ingest_consumed_total",
    type: "counter",
    help: "Messages taken in from a source.",
    labels: { source: sources },
    app: "ingest",
  },
  ingestPublished: {
    name: "fanfare_ingest_published_total",
    type: "counter",
    help: "Messages of a source that were stored.",
    labels: { source: sources },
    app: "ingest",
  },
  ingestDuplicates: {
    name: "fanfare_ingest_duplicates_total",
    type: "counter",
    help: "Messages of a source that were stored before, such as redelivered ones: nothing was published again.",
    labels: { source: sources },
    app: "ingest",
  },
  ingestPoison: {
    name: "fanfare_ingest_poison_total",
    type: "counter",
    help: "Messages of a source that can never be published and were put aside.",
    labels: { source: sources },
    app: "ingest",
  },
  ingestGaps: {
    name: "fanfare_ingest_gap_messages_total",
    type: "counter",
    help: "Messages that producers sent and that never arrived, by the numbers that they put on them.",
    labels: { source: "zeromq" },
    app: "ingest",
  },
  ingestLag: {
    name: "fanfare_ingest_lag",
    type: "gauge",
    help: "Messages that wait at a source, where it can tell.",
    labels: { source: "amqp, redis-stream" },
    app: "ingest",
  },
  ingestPaused: {
    name: "fanfare_ingest_paused_seconds_total",
    type: "counter",
    help: "Time that a source was held up because the broker stored nothing.",
    labels: { source: sources },
    app: "ingest",
  },
  presenceChanges: {
    name: "fanfare_presence_changes_total",
    type: "counter",
    help: "Members of channels that this node told the broker about.",
    labels: { kind: "join, leave", outcome: "applied, failed (and tried again)" },
    app: "gateway",
  },
  presenceNotices: {
    name: "fanfare_presence_notices_total",
    type: "counter",
    help: "Notices about members, each to all subscribers of a channel on this node.",
    labels: {},
    app: "gateway",
  },
  presenceSwept: {
    name: "fanfare_presence_swept_total",
    type: "counter",
    help: "Members that this node took away behind nodes that were lost or have stopped.",
    labels: {},
    app: "gateway",
  },
  publications: {
    name: "fanfare_publications_total",
    type: "counter",
    help: "Publications handed in at this process, by what became of them.",
    labels: { source: "rest, client, schedule", outcome: "stored, duplicate, conflict, failed" },
    app: "all",
  },
  publishDuration: {
    name: "fanfare_publish_duration_seconds",
    type: "histogram",
    help: "Time that the broker took to store and announce one publication.",
    labels: {},
    app: "all",
    buckets: publishSeconds,
  },
  brokerUp: {
    name: "fanfare_broker_up",
    type: "gauge",
    help: "1 while the broker answers this process, else 0.",
    labels: {},
    app: "all",
  },
  buildInfo: {
    name: "fanfare_build_info",
    type: "gauge",
    help: "Always 1; which version this is.",
    labels: { version: "of Fanfare", node_version: "of Node.js" },
    app: "all",
  },
} as const satisfies Record<string, MetricRow>;

export type MetricsTable = typeof metricsTable;
