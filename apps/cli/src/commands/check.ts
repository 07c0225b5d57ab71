import {
  createAuthorizer,
  createTokenVerifier,
  createWebhook,
  loadRulesFile,
  parseAdminKeys,
  trustedProxies,
} from "@fanfare/access";
import { parseClusterUrl, parseRedisUrl } from "@fanfare/broker";
import { loadSettings, printableSettings, type Settings } from "@fanfare/config";
import { FanfareError, type FieldError, systemClock } from "@fanfare/domain";
import { Command } from "commander";
import { colorsFor } from "../colors.ts";
import { count, findingText, hasFault } from "../findings.ts";
import { leave } from "../leave.ts";
import { examineRedis } from "../redis/examine.ts";
import { type Given, given, settingAlone, withSettings } from "../settings.ts";

const pc = colorsFor(process.stdout);
/** The longest name of a row. */
const rowWidth = 11;

interface CheckFlags {
  readonly json?: boolean;
}

export function checkCommand(): Command {
  const command = new Command("check")
    .description("check settings and rules, every mistake of both at once, and what Redis means for the promises")
    .option("--json", "print one JSON document");
  return withSettings(command, "check", "up", "gateway", "admin", "serve", "client").action(
    async ({ json = false }: CheckFlags) => {
      const said = given(command);
      const settings = attempt(() => loadSettings({ env: process.env, ...said }));
      const mistakes = [...settings.mistakes, ...(await judgeRules(settingAlone("rules", said))), ...judgeParts(said)];
      if (settings.value === undefined || mistakes.length > 0) {
        if (json) process.stdout.write(`${JSON.stringify({ good: false, mistakes }, null, 2)}\n`);
        throw new FanfareError("SETTINGS_INVALID", { detail: `${count(mistakes.length, "mistake")} to mend.`, errors: mistakes });
      }
      const { redisUrl, cluster } = settings.value;
      if (!json) process.stdout.write(summary(settings.value));
      const findings = redisUrl === undefined ? [] : await examineRedis(redisUrl, cluster);
      const rows = findings.map((finding) => findingText(finding, rowWidth)).join("");
      const document = { good: !hasFault(findings), settings: printableSettings(settings.value), findings };
      process.stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : rows);
      await leave(hasFault(findings) ? 1 : 0);
    },
  );
}

async function judgeRules(path: string | undefined): Promise<FieldError[]> {
  if (path === undefined) return [];
  try {
    await loadRulesFile(path);
    return [];
  } catch (error) {
    return mistakesOf(error).map((mistake) =>
      mistake.path === path ? mistake : { ...mistake, path: `${path} ${mistake.path}` },
    );
  }
}

/** What only shows when a process makes its parts from the settings; looked at also when others of them are wrong. */
function judgeParts(said: Given): FieldError[] {
  const redisUrl = settingAlone("redisUrl", said);
  const authorizeSecret = settingAlone("authorizeSecret", said);
  const webhookSecret = settingAlone("webhookSecret", said);
  return [
    ...attempt(() => parseAdminKeys(settingAlone("adminKeys", said) ?? [])).mistakes,
    ...attempt(() => trustedProxies(settingAlone("trustedProxies", said) ?? [])).mistakes,
    ...attempt(() => createTokenVerifier({ secret: settingAlone("tokenSecret", said) })).mistakes,
    ...attempt(() => createTokenVerifier({ publicKey: settingAlone("tokenPublicKey", said) })).mistakes,
    ...attempt(() => authorizeSecret && createAuthorizer({ url: "http://unasked", secret: authorizeSecret, clock: systemClock }))
      .mistakes,
    ...attempt(() => webhookSecret && createWebhook({ url: "http://unasked", secret: webhookSecret })).mistakes,
    ...attempt(() => redisUrl && (parseClusterUrl(redisUrl) ?? parseRedisUrl(redisUrl))).mistakes,
  ];
}

function attempt<Value>(make: () => Value): { readonly value?: Value; readonly mistakes: FieldError[] } {
  try {
    return { value: make(), mistakes: [] };
  } catch (error) {
    return { mistakes: mistakesOf(error) };
  }
}

/** Throws on what is not a list of mistakes. */
function mistakesOf(error: unknown): FieldError[] {
  if (!(error instanceof FanfareError) || error.band !== "caller") throw error;
  return error.errors === undefined ? [{ path: "", message: error.message }] : [...error.errors];
}

function summary(settings: Settings): string {
  const rows = Object.entries(printableSettings(settings)).filter(([, value]) => !Array.isArray(value) || value.length > 0);
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${Array.isArray(value) ? value.join(", ") : value}`);
  const rules =
    settings.rules === undefined ? "No rules file: clients may do nothing but hear their own channel." : "The rules are right.";
  return `${pc.bold("Effective settings")}\n${lines.join("\n")}\n${rules}\n`;
}
