const columns = 80;

import { colorsFor } from "./colors.ts";

const pc = colorsFor(process.stdout);

/** Where things are printed. A terminal can replace the running line, a pipe cannot. */
export interface Screen {
  readonly terminal: boolean;
  write(text: string): void;
}

export const stdout: Screen = { terminal: process.stdout.isTTY ?? false, write: (text) => process.stdout.write(text) };

export interface Printer {
  /** Prints a step as it happens, with its time. One that fails says so and rejects with what went wrong. */
  step<Result>(name: string, work: (note: (text: string) => void) => Promise<Done<Result>>): Promise<Result>;
  /** Prints a line of its own, also in the middle of a step. */
  say(text: string): void;
}

interface Done<Result> {
  readonly result: Result;
  /** What is worth knowing about how it went. */
  readonly note?: string;
}

/**
 * Prints numbered steps: `[1/4] broker … ok 0.3 s (Redis 7.0.15)`, or on a terminal a line with a tick that replaces the
 * running one.
 */
export function createPrinter(total: number, { terminal, write }: Screen = stdout): Printer {
  let number = 0;
  /** What stands on the line that is still open. */
  let open = "";

  const show = (text: string) => {
    open = text;
    write(terminal ? `\r\x1b[2K${pc.dim(clip(text))}` : text);
  };
  const close = (line: string) => {
    write(terminal ? `\r\x1b[2K${line}\n` : `${line}\n`);
    open = "";
  };

  return {
    async step(name, work) {
      number += 1;
      const head = `[${number}/${total}] ${name}`;
      const started = performance.now();
      const time = () => `${((performance.now() - started) / 1_000).toFixed(1)} s`;
      show(`${head} … `);
      try {
        const { result, note } = await work((text) => terminal && show(`${head} … ${text}`));
        const tail = note === undefined ? time() : `${time()} (${note})`;
        // A pipe still has the step's head on its line, unless something was said in between.
        const plain = open === "" ? `${head} ok ${tail}` : `ok ${tail}`;
        close(terminal ? `${pc.green("✓")} ${head} ${pc.dim(clip(tail, head.length + 3))}` : plain);
        return result;
      } catch (error) {
        close(terminal ? `${pc.red("✗")} ${head} ${pc.dim(time())}` : `${open === "" ? `${head} ` : ""}FAILED ${time()}`);
        throw error;
      }
    },
    say(text) {
      const interrupted = open;
      if (interrupted !== "") write(terminal ? "\r\x1b[2K" : "\n");
      write(`${text}\n`);
      open = "";
      if (interrupted !== "" && terminal) show(interrupted);
    },
  };
}

function clip(text: string, used = 0): string {
  const room = columns - used;
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}
