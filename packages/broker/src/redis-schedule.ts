import { randomBytes } from "node:crypto";
import {
  type DuePlan,
  FanfareError,
  limits,
  type Plan,
  type Schedule,
  type Scheduled,
  type ScheduleOutcome,
  type Taken,
} from "@fanfare/domain";
import type { Redis } from "ioredis";
import type { Commands } from "./commands.ts";
import {
  scheduleAboutsKey,
  scheduleCountKey,
  scheduleIdKey,
  scheduleOrderKey,
  schedulePlansKey,
  scheduleTakenKey,
} from "./keys.ts";
import { idLifeMs } from "./lives.ts";
import { aboutOf, planFingerprint, planText } from "./schedule-terms.ts";
import { scripts } from "./scripts.ts";
import { isNumber, isText, storedJson } from "./stored-json.ts";

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const aboutShape = { at: isNumber, channels: isTexts, event: isText, bytes: isNumber };
const planShape = { at: isNumber, channels: isTexts, content: isContent };

/** {@link Schedule} on Redis: one for the cluster, in the partition of the registers. */
export class RedisSchedule implements Schedule {
  readonly #cluster: string;
  readonly #commands: Commands;
  readonly #order: string;
  readonly #taken: string;
  readonly #abouts: string;
  readonly #plans: string;

  constructor(cluster: string, commands: Commands) {
    this.#cluster = cluster;
    this.#commands = commands;
    this.#order = scheduleOrderKey(cluster);
    this.#taken = scheduleTakenKey(cluster);
    this.#abouts = scheduleAboutsKey(cluster);
    this.#plans = schedulePlansKey(cluster);
  }

  async add(plan: Plan): Promise<ScheduleOutcome> {
    const { at, content } = plan;
    const [kind, scheduledId] = (await this.#run((client) =>
      scripts["schedule-add"].run(client, {
        keys: {
          order: this.#order,
          abouts: this.#abouts,
          plans: this.#plans,
          count: scheduleCountKey(this.#cluster),
          known: scheduleIdKey(this.#cluster, content.id ?? ""),
        },
        args: {
          at,
          nonce: randomBytes(6).toString("base64url"),
          about: JSON.stringify(aboutOf(plan)),
          plan: planText(plan),
          fingerprint: content.id === undefined ? "" : planFingerprint(plan),
          life: idLifeMs,
          max: limits.scheduledMax,
        },
      }),
    )) as [kind: -2 | -1 | 0 | 1, scheduledId: string];
    if (kind === -2) throw new FanfareError("SCHEDULED_EXCEEDED");
    return kind === -1 ? { kind: "conflict" } : { kind: kind === 1 ? "added" : "duplicate", scheduledId };
  }

  async page(after: string, limit: number): Promise<Scheduled[]> {
    const names = await this.#run((client) =>
      client.zrange(this.#order, after === "" ? "-" : `(${after}`, "+", "BYLEX", "LIMIT", 0, limit),
    );
    if (names.length === 0) return [];
    const texts = await this.#run((client) => client.hmget(this.#abouts, ...names));
    return names.flatMap((name, index) => this.#scheduled(name, texts[index]) ?? []);
  }

  async find(scheduledId: string): Promise<Scheduled | undefined> {
    return this.#scheduled(scheduledId, await this.#run((client) => client.hget(this.#abouts, scheduledId)));
  }

  async remove(scheduledId: string): Promise<"removed" | "taken" | "unknown"> {
    const keys = { order: this.#order, taken: this.#taken, abouts: this.#abouts, plans: this.#plans };
    const answer = await this.#run((client) => scripts["schedule-remove"].run(client, { keys, args: { name: scheduledId } }));
    if (answer === -1) return "taken";
    return answer === 1 ? "removed" : "unknown";
  }

  async take({ overdueMs, limit, leaseMs }: Parameters<Schedule["take"]>[0]): Promise<Taken> {
    const keys = { order: this.#order, taken: this.#taken, plans: this.#plans };
    const args = { overdue: overdueMs, limit, lease: leaseMs };
    const [wait, ...pairs] = (await this.#run((client) => scripts["schedule-take"].run(client, { keys, args }))) as [
      wait: number,
      ...pairs: string[],
    ];
    const plans: DuePlan[] = [];
    const useless: string[] = [];
    for (let at = 0; at < pairs.length; at += 2) {
      const scheduledId = pairs[at] ?? "";
      const plan = storedJson<Plan>(pairs[at + 1] ?? "", planShape, this.#commands);
      if (plan === undefined) useless.push(scheduledId);
      else plans.push({ ...plan, scheduledId });
    }
    if (useless.length > 0) await this.done(useless);
    return { plans, nextInMs: wait < 0 ? undefined : wait };
  }

  async done(scheduledIds: readonly string[]): Promise<void> {
    const keys = { taken: this.#taken, abouts: this.#abouts, plans: this.#plans };
    await this.#run((client) => scripts["schedule-done"].run(client, { keys, args: {}, moreArgs: scheduledIds }));
  }

  #scheduled(scheduledId: string, text: string | null | undefined): Scheduled | undefined {
    if (text === null || text === undefined) return undefined;
    const about = storedJson<Omit<Scheduled, "scheduledId">>(text, aboutShape, this.#commands);
    return about && { scheduledId, ...about };
  }

  #run<Answer>(send: (client: Redis) => Promise<Answer>): Promise<Answer> {
    return this.#commands.run(send);
  }
}

function isContent(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { event, payload } = value as Readonly<Record<string, unknown>>;
  if (!isText(event) || typeof payload !== "object" || payload === null) return false;
  const { json, binary } = payload as Readonly<Record<string, unknown>>;
  return isText(json) && typeof binary === "boolean";
}
