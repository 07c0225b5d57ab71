import { flagsOf, loadSettings, type Settings, settingsOf } from "@fanfare/config";

/** Stands for a secret that a file would hold. */
const secret = "0123456789abcdef0123456789abcdef0123456789";
const contents: Readonly<Record<string, string>> = {
  FANFARE_ADMIN_KEYS_FILE: `ops:${secret}`,
  FANFARE_REDIS_URL_FILE: "redis://redis:6379",
};

/**
 * What a command is started with by these variables, as it would read them itself. Throws for names and values that it would
 * refuse, and for settings that mean nothing to it. A `…_FILE` is read as a secret.
 */
export function settingsOfCommand(
  command: "gateway" | "admin" | "serve" | "ingest",
  env: Readonly<Record<string, string>>,
): Settings {
  const ours = Object.entries(env).filter(([name]) => name.startsWith("FANFARE_"));
  const known = Object.keys(flagsOf(settingsOf(command))).map((flag) => `FANFARE_${flag.replaceAll("-", "_").toUpperCase()}`);
  const foreign = ours.map(([name]) => name).filter((name) => !known.includes(name));
  if (foreign.length > 0) throw new Error(`fanfare ${command} has no use for ${foreign.join(", ")}`);
  const files = new Map(ours.flatMap(([name, path]) => (name.endsWith("_FILE") ? [[path, contents[name] ?? secret]] : [])));
  return loadSettings({
    env: Object.fromEntries(ours),
    readText: (path) => {
      const text = files.get(path);
      if (text === undefined) throw new Error(`${path} is not there`);
      return text;
    },
  });
}
