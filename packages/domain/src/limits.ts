/** Every hard limit in one place. A limit that an operator may move is a setting or a rule instead. */
export const limits = {
  /** Bytes of a channel name; the characters allowed are all one byte. */
  channelBytesMax: 255,
  /** UTF-16 units of an event name. */
  eventLengthMax: 255,
  /** UTF-16 units of a publication id. */
  idLengthMax: 255,
  /** Nesting of arrays and objects in a payload. Deeper ones overflow the stack of common client parsers. */
  jsonDepthMax: 128,
  /** Bytes of one REST body, and of one line of an NDJSON stream. */
  bodyBytesMax: 1_048_576,
  /** Channels of one publish request. */
  publishChannelsMax: 100,
  /** Sessions that one publication leaves out. */
  exceptMax: 100,
  /** Items of one batch. */
  batchItemsMax: 1_000,
  /** Publications of one atomic batch: the broker does nothing else meanwhile. */
  atomicMax: 250,
  /** Time to live of a publication, in seconds: a year. */
  ttlSecondsMax: 31_536_000,
  /** Publications in one answer of history, and in one `rewind`. */
  historyLimitMax: 1_000,
  historyLimitDefault: 100,
  /** Bytes of payload after which a page of a log ends: what is read waits in memory, and others wait for it at the broker. */
  pageBytesMax: 1_048_576,
  /** Connections, channels or users in one page of a list. */
  pageLimitMax: 1_000,
  pageLimitDefault: 100,
  /** UTF-16 units of a token's `info` as JSON that presence shows; what is longer is shown as null. */
  presenceInfoLengthMax: 2_048,
  /** Members of a channel in one page of the admin API. */
  presencePageMax: 20_000,
  presencePageDefault: 1_000,
  /** Channels that one connection may be subscribed to. */
  subscriptionsMax: 128,
  /** Revocations that are in force at a time: every node keeps all of them. */
  revocationsMax: 10_000,
  /** Publications for later that wait at a time. */
  scheduledMax: 100_000,
  scheduledPageMax: 1_000,
  /** How far ahead one may be. */
  scheduledAheadDays: 366,
  /** Events that are kept of what happens to connections, channels and nodes. */
  lifecycleEventsMax: 100_000,
  /** Batches of them that could not be delivered and are kept. */
  deadLettersMax: 1_000,
  /** Streams of these events that one admin process keeps open. */
  eventStreamsMax: 256,
  /** Publications that one recovery replays; a client further behind is told to reload. */
  replayMax: 10_000,
  /** A node that has not renewed its lease for so long is gone to the others. */
  nodeLeaseSeconds: 6,
  /** How long a receipt can be read, and is kept up with, from its publication on: longer than any client is waited for. */
  receiptSeconds: 600,
  /** How long a publication's id is remembered, so that a retry within it never doubles. */
  idempotencySeconds: 600,
} as const;
