import { createTokenVerifier, loadRulesFile, parseAdminKeys } from "@fanfare/access";
import { loadSettings, printableSettings, type Settings } from "@fanfare/config";
import { FanfareError, type FieldError } from "@fanfare/domain";
import { Command } from "commander";
import pc from "picocolors";
import { type RedisFacts, redisFacts } from "../redis-facts.ts";
import { type Given, given, withSettings } from "../settings.ts";

export function checkCommand(): Command {
  const command = new Command("check").description("check settings and rules: every mistake of both at once");
  return withSettings(command, "check", "up", "gateway", "admin", "serve", "client").action(async () => {
    const said = given(command);
    const { settings, rulesPath, mistakes } = judgeSettings(said);
    mistakes.push(...(await judgeRules(rulesPath)));
    if (settings !== undefined) mistakes.push(...(await judgeParts(settings)));
    if (settings === undefined || mistakes.length > 0) {
      throw new FanfareError("SETTINGS_INVALID", { detail: `${count(mistakes.length, "mistake")} to mend.`, errors: mistakes });
    }
    process.stdout.write(summary(settings));
    if (settings.redisUrl === undefined) return;
    process.stdout.write(redisLines(await redisFacts(settings.redisUrl)));
  });
}

interface Judged {
  readonly settings: Settings | undefined;
  /** Also when the settings are wrong, so that the rules are looked at in the same run. */
  readonly rulesPath: string | undefined;
  readonly mistakes: FieldError[];
}

function judgeSettings({ flags, file }: Given): Judged {
  try {
    const settings = loadSettings({ env: process.env, flags, file });
    return { settings, rulesPath: settings.rules, mistakes: [] };
  } catch (error) {
    const rulesPath = text(flags.rules) ?? text(process.env.FANFARE_RULES) ?? rulesIn(file?.text);
    return { settings: undefined, rulesPath, mistakes: mistakesOf(error) };
  }
}

function rulesIn(json: string | undefined): string | undefined {
  try {
    const file: unknown = JSON.parse(json ?? "null");
    return typeof file === "object" && file !== null && "rules" in file ? text(file.rules) : undefined;
  } catch {
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
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

/** What only shows when a process makes its parts from the settings. */
async function judgeParts({ adminKeys, tokenSecret, tokenPublicKey, jwksUrl }: Settings): Promise<FieldError[]> {
  const attempts = [
    () => parseAdminKeys(adminKeys),
    () => createTokenVerifier({ secret: tokenSecret, publicKey: tokenPublicKey, jwksUrl }),
  ];
  return attempts.flatMap((attempt) => {
    try {
      attempt();
      return [];
    } catch (error) {
      return mistakesOf(error);
    }
  });
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

function redisLines({ version, policy, unreachable }: RedisFacts): string {
  if (unreachable !== undefined)
    throw new FanfareError("BROKER_UNAVAILABLE", { detail: `Redis does not answer: ${unreachable}` });
  const evicts = policy !== undefined && policy !== "noeviction";
  const warning = evicts ? `\n${pc.yellow("!")} maxmemory-policy ${policy} lets Redis drop logs: use noeviction.` : "";
  return `Redis ${version ?? "(version unknown)"} answers, maxmemory-policy ${policy ?? "unknown"}.${warning}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
