import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Settings } from "@fanfare/config";
import { environmentOf } from "../settings.ts";
import { demoRules } from "./rules.ts";

/** Settings for another process; an undefined one is not passed on. */
export type ChildSettings = { readonly [Key in keyof Settings]?: Settings[Key] | undefined };

interface Shared {
  readonly settings: Settings;
  /** The folder of this run. */
  readonly dir: string;
  /** A key of this run, beside those that the settings have. */
  readonly adminKey: string;
  readonly redisUrl: string | undefined;
}

/** What all processes of a cluster have in common: the settings of `up`, and what a cluster to try out needs beside them. */
export async function sharedSettings({ settings, dir, adminKey, redisUrl }: Shared): Promise<ChildSettings> {
  const { rules, origins, clusterSecret, adminKeys, tokenSecret, tokenPublicKey, jwksUrl } = settings;
  return {
    ...settings,
    redisUrl,
    rules: rules === undefined ? await demoRulesFile(dir) : resolve(rules),
    adminKeys: [...adminKeys, `up:${adminKey}`],
    // The console and whatever page you are working on come from other ports of this machine. No cookie is involved, so
    // what a foreign page could do here is no more than what the rules let anyone do.
    origins: origins.length === 0 ? ["*"] : origins,
    // So that the console can sign tokens to try out; they are good for nothing when this run is over.
    tokenSecret: tokenSecret ?? (tokenPublicKey === undefined && jwksUrl === undefined ? newSecret() : undefined),
    clusterSecret: clusterSecret ?? newSecret(),
  };
}

/** This process's environment, with exactly these settings in it. */
export function childEnvironment(settings: ChildSettings): Record<string, string> {
  const others = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || name.startsWith("FANFARE_") ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(others), ...environmentOf(settings) };
}

function newSecret(): string {
  return randomBytes(24).toString("base64url");
}

async function demoRulesFile(dir: string): Promise<string> {
  const path = join(dir, "rules.json");
  await writeFile(path, JSON.stringify(demoRules, undefined, 2));
  return path;
}
