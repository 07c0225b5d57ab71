/** A line that a child wrote: one of its log, or whatever else a process may print when it dies. */
export interface LogLine {
  /** "warn" and above are worth showing; what is no log line counts as "error". */
  readonly level: string;
  readonly msg: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  /** For people. */
  readonly text: string;
}

const worthShowing: ReadonlySet<string> = new Set(["warn", "error", "fatal"]);
/** Said by the prefix already, or of no use on a screen. */
const dull: ReadonlySet<string> = new Set(["level", "time", "pid", "hostname", "name", "node", "msg", "requestId"]);

export function parseLogLine(text: string): LogLine {
  const fields = fieldsOf(text);
  if (fields === undefined) return { level: "error", msg: undefined, fields: {}, text };
  const { level, msg } = fields;
  const rest = Object.entries(fields)
    .filter(([name]) => !dull.has(name))
    .map(([name, value]) => `${name}=${shown(value)}`);
  return { level: String(level), msg: String(msg), fields, text: [msg, ...rest].join(" ") };
}

/** Of an error its sentence; its stack is in the log that a production process keeps. */
function shown(value: unknown): string {
  if (typeof value === "string") return value;
  const isError = typeof value === "object" && value !== null && "message" in value && "stack" in value;
  return JSON.stringify(isError ? value.message : value);
}

export function isWorthShowing({ level }: LogLine): boolean {
  return worthShowing.has(level);
}

function fieldsOf(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "msg" in value ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
