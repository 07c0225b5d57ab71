import { FanfareError } from "@fanfare/domain";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type LoadOptions, loadSettings } from "./load.ts";
import { settingRows } from "./names.ts";

/** The mistakes as `path: message` lines; none when the settings load. */
function mistakes(options: Partial<LoadOptions>): string[] {
  try {
    loadSettings({ env: {}, ...options });
    return [];
  } catch (error) {
    if (!(error instanceof FanfareError) || error.code !== "SETTINGS_INVALID") throw error;
    return (error.errors ?? []).map(({ path, message }) => `${path}: ${message}`);
  }
}

const fileOf = (value: unknown) => ({ path: "fanfare.config.json", text: JSON.stringify(value) });

test("with nothing given, everything has its default or is absent", () => {
  const settings = loadSettings({ env: { PATH: "/bin", HOME: "/root" } });
  expect(settings).toMatchObject({ port: 8_000, host: "0.0.0.0", adminPort: 9_000, adminHost: "127.0.0.1", peerPort: 8_100 });
  expect(settings).toMatchObject({ cluster: "fanfare", adminKeys: [], origins: [], recovery: "on", logLevel: "info" });
  expect(settings).toMatchObject({ drainMs: 10_000, pingIntervalMs: 25_000, pingTimeoutMs: 20_000, bufferBytesMax: 1_048_576 });
  for (const key of ["redisUrl", "tokenSecret", "rules", "node", "peerUrl", "url"]) expect(settings).not.toHaveProperty(key);
});

test("a flag wins over the environment, that over the file, that over the default", () => {
  const file = fileOf({ port: 3, adminPort: 3, peerPort: 3 });
  const env = { FANFARE_PORT: "2", FANFARE_ADMIN_PORT: "2" };
  const settings = loadSettings({ env, file, flags: { port: "1" } });
  expect(settings).toMatchObject({ port: 1, adminPort: 2, peerPort: 3, drainMs: 10_000 });
});

test("an empty ZeroMQ address is not the same as none: it turns the default of a worker off", () => {
  expect(loadSettings({ env: { FANFARE_ZMQ_BIND: "" } }).zmqBind).toBe("off");
  expect(loadSettings({ env: {} }).zmqBind).toBeUndefined();
  expect(loadSettings({ env: { FANFARE_ZMQ_BIND: "" }, flags: { "zmq-bind": "tcp://127.0.0.1:5001" } }).zmqBind).toBe(
    "tcp://127.0.0.1:5001",
  );
});

test("an empty text is the same as not given, even for a name that does not exist", () => {
  const settings = loadSettings({ env: { FANFARE_PORT: "", FANFARE_REDIS_URL: "", FANFARE_ZMQ_BIND: "" } });
  expect(settings.port).toBe(8_000);
  expect(settings).not.toHaveProperty("redisUrl");
});

test("lists are comma-separated, or arrays in the file", () => {
  const env = { FANFARE_ADMIN_KEYS: "ops:one, ci:two:publish:news:*+read,," };
  const file = fileOf({ origins: ["https://a.example", "*"] });
  const settings = loadSettings({ env, file });
  expect(settings.adminKeys).toEqual(["ops:one", "ci:two:publish:news:*+read"]);
  expect(settings.origins).toEqual(["https://a.example", "*"]);
});

test.each([
  "redis://localhost",
  "rediss://user:p%40ss@host:6380/2",
  "redis+sentinel://a:26379,b:26379/mymaster",
  "redis+cluster://a:7000,b:7001",
])("%s is a Redis", (url) => {
  expect(loadSettings({ env: { FANFARE_REDIS_URL: url } }).redisUrl).toBe(url);
});

test.each([
  ["FANFARE_PORT", "80a"],
  ["FANFARE_PORT", "65536"],
  ["FANFARE_PORT", "-1"],
  ["FANFARE_PORT", "8e3"],
  ["FANFARE_PORT", "0x50"],
  ["FANFARE_PORT", "８０００"],
  ["FANFARE_DRAIN_MS", "10s"],
  ["FANFARE_BUFFER_BYTES_MAX", "1"],
  ["FANFARE_REDIS_URL", "localhost:6379"],
  ["FANFARE_REDIS_URL", "http://localhost"],
  ["FANFARE_REDIS_URL", "redis://"],
  ["FANFARE_PEER_URL", "redis://localhost"],
  ["FANFARE_JWKS_URL", "https://"],
  ["FANFARE_CLUSTER", "a b"],
  ["FANFARE_CLUSTER", "{a}"],
  ["FANFARE_NODE", "n".repeat(65)],
  ["FANFARE_LOG_LEVEL", "INFO"],
  ["FANFARE_RECOVERY", "true"],
  ["FANFARE_ORIGINS", "https://a.example/path"],
  ["FANFARE_ORIGINS", "a.example"],
])("%s=%s is refused under the name it was written with", (name, value) => {
  const found = mistakes({ env: { [name]: value } });
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(new RegExp(`^${name}: must be `));
});

test("all mistakes of all places are told at once, each under the name that was written", () => {
  const found = mistakes({
    flags: { "admin-prot": "1", "ping-interval-ms": "soon" },
    env: { FANFARE_PORT: "http", FANFARE_REDIS: "redis://a", FANFARE_RECOVERY: "maybe" },
    file: fileOf({ drainMs: "long", orgins: [] }),
  });
  expect(found).toEqual([
    "--admin-prot: is not a setting; did you mean --admin-port?",
    "FANFARE_REDIS: is not a setting; did you mean FANFARE_REDIS_URL?",
    "orgins in fanfare.config.json: is not a setting; did you mean origins in fanfare.config.json?",
    'FANFARE_PORT: must be a whole number from 0 to 65535, not "http"',
    'FANFARE_RECOVERY: must be one of on, off, not "maybe"',
    'drainMs in fanfare.config.json: must be a whole number of milliseconds from 0 to 600000, not "long"',
    '--ping-interval-ms: must be a whole number of milliseconds from 50 to 3600000, not "soon"',
  ]);
});

test("a mistake in a place that another one overrides is told too", () => {
  expect(mistakes({ flags: { port: "1" }, env: { FANFARE_PORT: "x" } })).toHaveLength(1);
});

test("a name far from all known ones is refused without a guess", () => {
  expect(mistakes({ env: { FANFARE_XYZZY_PLUGH: "1" } })).toEqual(["FANFARE_XYZZY_PLUGH: is not a setting"]);
});

test("a command's own flags are passed over, and suggested to who mistypes them", () => {
  expect(mistakes({ flags: { nodes: "3" }, commandFlags: ["nodes"] })).toEqual([]);
  expect(mistakes({ flags: { noeds: "3" }, commandFlags: ["nodes"] })).toEqual([
    "--noeds: is not a setting; did you mean --nodes?",
  ]);
  expect(mistakes({ flags: { nodes: undefined } })).toEqual([]);
});

test("a flag without its value is refused", () => {
  expect(mistakes({ flags: { port: true } })).toEqual(["--port: must be a whole number from 0 to 65535"]);
});

test.each(["[]", "null", '"x"', "{", ""])("a settings file that holds %s is refused", (text) => {
  const found = mistakes({ file: { path: "fanfare.config.json", text }, env: { FANFARE_PORT: "x" } });
  expect(found).toContain("fanfare.config.json: must be one JSON object of settings");
  expect(found).toHaveLength(2);
});

test("a member __proto__ of the settings file is an unknown name like any other", () => {
  const file = { path: "f.json", text: '{"__proto__":{"port":1},"constructor":1}' };
  expect(mistakes({ file })).toEqual(["__proto__ in f.json: is not a setting", "constructor in f.json: is not a setting"]);
});

test.each([
  ["FANFARE_TOKEN_SECRET_FILE", "tokenSecret"],
  ["FANFARE_CLUSTER_SECRET_FILE", "clusterSecret"],
  ["FANFARE_ADMIN_KEY_FILE", "adminKey"],
  ["FANFARE_TOKEN_PUBLIC_KEY_FILE", "tokenPublicKey"],
] as const)("%s names a file that holds the value, without its last line break", (name, key) => {
  const readText = (path: string) => (path === "/run/secret" ? "hush\n" : "");
  expect(loadSettings({ env: { [name]: "/run/secret" }, readText })[key]).toBe("hush");
});

test("a secret and its file in one place are one too many; across places the usual order holds", () => {
  const readText = () => "from file";
  const both = { FANFARE_TOKEN_SECRET: "a", FANFARE_TOKEN_SECRET_FILE: "/f" };
  expect(mistakes({ env: both, readText })).toEqual([
    "FANFARE_TOKEN_SECRET: is also given by FANFARE_TOKEN_SECRET_FILE: keep one",
  ]);
  const env = { FANFARE_TOKEN_SECRET: "a" };
  expect(loadSettings({ env, flags: { "token-secret-file": "/f" }, readText }).tokenSecret).toBe("from file");
});

test("a file of a secret that is missing or empty is a mistake", () => {
  const missing = { env: { FANFARE_TOKEN_SECRET_FILE: "/nowhere/at/all" } };
  expect(mistakes(missing)).toEqual(["FANFARE_TOKEN_SECRET_FILE: names a file that cannot be read or is empty"]);
  expect(mistakes({ ...missing, readText: () => "\n" })).toHaveLength(1);
});

test("only one way to check tokens is taken", () => {
  const env = { FANFARE_TOKEN_SECRET: "a", FANFARE_JWKS_URL: "https://id.example/keys" };
  expect(mistakes({ env })).toEqual(["FANFARE_JWKS_URL: is a second way to check tokens beside FANFARE_TOKEN_SECRET: keep one"]);
});

test("several workers need a Redis to share", () => {
  const env = { FANFARE_WORKERS: "2" };
  expect(mistakes({ env })).toEqual([
    "FANFARE_WORKERS: needs FANFARE_REDIS_URL: several workers can only share what is in a Redis",
  ]);
  expect(mistakes({ env: { ...env, FANFARE_REDIS_URL: "redis://a" } })).toEqual([]);
  expect(mistakes({ env: { FANFARE_WORKERS: "1" } })).toEqual([]);
});

test("the application's address and the secret that it knows us by go together", () => {
  const secret = "a".repeat(32);
  expect(mistakes({ env: { FANFARE_AUTHORIZE_URL: "https://app.example/authorize" } })).toEqual([
    "FANFARE_AUTHORIZE_URL: needs FANFARE_AUTHORIZE_SECRET beside it",
  ]);
  expect(mistakes({ env: { FANFARE_AUTHORIZE_SECRET: secret } })).toEqual([
    "FANFARE_AUTHORIZE_SECRET: needs FANFARE_AUTHORIZE_URL beside it",
  ]);
});

test("no mistake shows a secret", () => {
  const env = { FANFARE_REDIS_URL: "http://:hunter2@host", FANFARE_TOKEN_SECRET: "hunter2", FANFARE_TOKEN_SECRET_FILE: "/f" };
  const file = fileOf({ adminKeys: { ops: "hunter2" }, adminKey: ["hunter2"] });
  const found = mistakes({ env, file });
  expect(found).toHaveLength(4);
  expect(found.join()).not.toContain("hunter2");
});

test("settings cannot be changed after they were read", () => {
  expect(Object.isFrozen(loadSettings({ env: {} }))).toBe(true);
});

test("whatever is written anywhere, the loader answers settings within their ranges or SETTINGS_INVALID", () => {
  const names = settingRows.map(([, row]) => row.env);
  const env = fc.dictionary(
    fc.oneof(
      fc.constantFrom(...names),
      fc.string().map((text) => `FANFARE_${text}`),
    ),
    fc.string(),
  );
  const text = fc.oneof(fc.string(), fc.json());
  fc.assert(
    fc.property(env, text, (variables, content) => {
      const readText = () => content;
      const options = { env: variables, file: { path: "f", text: content }, readText };
      if (mistakes(options).length > 0) return;
      const settings = loadSettings(options);
      expect(settings.port).toBeGreaterThanOrEqual(0);
      expect(settings.port).toBeLessThanOrEqual(65_535);
    }),
  );
});
