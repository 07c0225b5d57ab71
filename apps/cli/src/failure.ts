import { asFanfareError, FanfareError, type FieldError } from "@fanfare/domain";
import { colorsFor } from "./colors.ts";

const pc = colorsFor(process.stderr);

/** 1 it failed, 2 it was called or set up wrongly, 3 it published and cannot say who got it. */
export type FailureCode = 1 | 2 | 3;

interface FailureOptions {
  /** The code that a server refused with. */
  readonly code?: string | undefined;
  readonly errors?: readonly FieldError[] | undefined;
  readonly cause?: unknown;
  /** By default 1. */
  readonly exitCode?: FailureCode | undefined;
}

/** A command that could not do what it was asked to, for a reason that is no server's refusal of our own making. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: string | undefined;
  readonly errors: readonly FieldError[];
  readonly exitCode: FailureCode;

  constructor(message: string, { code, errors = [], cause, exitCode = 1 }: FailureOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
    this.code = code;
    this.errors = errors;
  }
}

/** What a person reads on stderr: the sentence, the code, and one line for each thing that is wrong. */
export function failureText(thrown: unknown): string {
  const failure = thrown instanceof Failure ? thrown : asFanfareError(thrown);
  const code = failure.code === undefined ? "" : ` ${pc.dim(`(${failure.code})`)}`;
  const head = `${pc.red("fanfare:")} ${failure.message}${code}`;
  const details = (failure.errors ?? []).map(({ path, message }) =>
    path === "" ? `  ${message}` : `  ${pc.bold(path)} ${message}`,
  );
  return `${[head, ...details, ...causeOf(failure)].join("\n")}\n`;
}

/** Only a bug is worth a stack; of everything else the sentence of what really happened is enough. */
function causeOf(failure: Failure | FanfareError): string[] {
  const { cause } = failure;
  if (!(cause instanceof Error)) return [];
  if (failure instanceof FanfareError && failure.band === "bug") return [cause.stack ?? cause.message];
  const root = cause.cause instanceof Error ? cause.cause : cause;
  return [`  ${root.message === "" && "code" in root ? String(root.code) : root.message}`];
}

/**
 * A {@link Failure} says it itself; else 2 when what the command was given is wrong, and 1 when it failed. An error of the band `caller` comes from this process, which
 * was given the settings or a channel that is none; what a server refuses is a {@link Failure}.
 */
export function exitCodeOf(thrown: unknown): FailureCode {
  if (thrown instanceof Failure) return thrown.exitCode;
  return thrown instanceof FanfareError && thrown.band === "caller" ? 2 : 1;
}
