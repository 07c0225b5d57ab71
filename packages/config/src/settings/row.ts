/** The commands that a setting means something to. `client` stands for publish, tail, top and their like. */
export type SettingUser = "up" | "gateway" | "admin" | "serve" | "ingest" | "client" | "token" | "check";

interface SettingBase {
  /** The environment variable. The flag and the key in `fanfare.config.json` are the same words: see names.ts. */
  readonly env: `FANFARE_${string}`;
  /** For people: what it is and what it is good for. One or two sentences. */
  readonly doc: string;
  readonly usedBy: readonly SettingUser[];
  /** Never printed. */
  readonly secret?: true;
  /** Whether the value may stand in a file that `<name>_FILE` names. */
  readonly fromFile?: true;
}

/** One setting. What has no default is absent when nobody gives it. */
export type SettingRow = SettingBase &
  (
    | {
        readonly type: "integer" | "ms" | "bytes";
        readonly default?: number;
        readonly min: number;
        readonly max: number;
      }
    | {
        readonly type: "text" | "path";
        readonly default?: string;
        /** What the whole value must match, and the sentence that says so. */
        readonly pattern?: { readonly regex: RegExp; readonly says: string };
        /** What an empty text in a flag or the environment means, where it is not the same as not given. */
        readonly whenEmpty?: string;
      }
    | { readonly type: "url"; readonly default?: string; readonly schemes: readonly string[] }
    | { readonly type: "list"; readonly default: readonly string[]; readonly item: string }
    | { readonly type: "choice"; readonly default: string; readonly choices: readonly string[] }
  );

/** What a row that names a port begins with. */
export const port = { type: "integer", min: 0, max: 65_535 } as const;
export const web = ["http", "https"] as const;
