import { type Log as BrokerLog, Commands, parseRedisUrl } from "@fanfare/broker";
import type { Settings } from "@fanfare/config";
import { type Clock, FanfareError } from "@fanfare/domain";
import {
  AmqpSource,
  type RedisPublishKind,
  RedisPublishSource,
  RedisStreamSource,
  redisEmitter,
  redisPattern,
  type Source,
  ZeroMqSource,
} from "@fanfare/ingest";
import type { Log, Metrics } from "@fanfare/telemetry";

interface SourcesOptions {
  readonly settings: Settings;
  /** This worker's name, new for every process. */
  readonly worker: string;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
  readonly newestId: (channel: string) => Promise<string | undefined>;
}

/** The sources that the settings name. Throws `SETTINGS_INVALID` for one that lacks what it needs. */
export function createSources(options: SourcesOptions): Source[] {
  const { settings } = options;
  return [
    ...zeroMq(options),
    ...amqp(options),
    ...(settings.streamKey === undefined ? [] : [stream(options, settings.streamKey)]),
    ...(settings.pattern === undefined ? [] : [publish(options, redisPattern(settings.pattern), "FANFARE_PATTERN")]),
    ...(settings.emitterLog === "on" ? [publish(options, redisEmitter(settings.emitterKey), "FANFARE_EMITTER_LOG")] : []),
  ];
}

function zeroMq({ settings, metrics, newestId }: SourcesOptions): Source[] {
  const bind = settings.zmqBind === "off" ? undefined : settings.zmqBind;
  const pullBind = settings.zmqPullBind === "off" ? undefined : settings.zmqPullBind;
  if (bind === undefined && pullBind === undefined) return [];
  return [new ZeroMqSource({ bind, pullBind, channel: settings.zmqChannel, queueMax: settings.zmqQueueMax, metrics, newestId })];
}

function amqp({ settings, log, clock }: SourcesOptions): Source[] {
  const { amqpUrl: url } = settings;
  if (url === undefined) return [];
  return [
    new AmqpSource({
      url,
      queue: settings.amqpQueue,
      exchange: settings.amqpExchange,
      bindings: settings.amqpBindings,
      channelTemplate: settings.amqpChannel,
      prefetch: settings.amqpPrefetch,
      log,
      clock,
    }),
  ];
}

function stream({ settings, worker, log, clock }: SourcesOptions, key: string): Source {
  const { cluster: group } = settings;
  const reader = commands(settings, "FANFARE_STREAM_KEY", log);
  const writer = commands(settings, "FANFARE_STREAM_KEY", log);
  return new RedisStreamSource({ key, group, worker, reader, writer, log, clock });
}

function publish({ settings, worker, metrics, log, clock }: SourcesOptions, kind: RedisPublishKind, setting: string): Source {
  return new RedisPublishSource(kind, {
    target: parseRedisUrl(redisUrlOf(settings, setting)),
    leaseKey: `${settings.cluster}:ingest:${kind.name}`,
    worker,
    commands: commands(settings, setting, log),
    metrics,
    log,
    clock,
  });
}

function commands(settings: Settings, setting: string, log: BrokerLog): Commands {
  return new Commands(parseRedisUrl(redisUrlOf(settings, setting)), log);
}

function redisUrlOf({ sourceRedisUrl, redisUrl }: Settings, setting: string): string {
  const url = sourceRedisUrl ?? redisUrl;
  if (url !== undefined) return url;
  const message = "needs a Redis: give FANFARE_REDIS_URL or FANFARE_SOURCE_REDIS_URL";
  throw new FanfareError("SETTINGS_INVALID", { errors: [{ path: setting, message }] });
}
