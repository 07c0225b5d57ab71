import { isatty } from "node:tty";

const columns = 80;

/**
 * Prints steps as they happen: `[1/4] packages … ok 14.2 s`, or on a terminal a line with a tick that replaces the running
 * one. Colour only on a terminal, and never with NO_COLOR.
 *
 * @param {number} total
 */
export function createSteps(total) {
  const terminal = isatty(1);
  const colour = terminal && !process.env.NO_COLOR;
  const paint = (/** @type {number} */ code, /** @type {string} */ text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  let number = 0;

  /**
   * Runs one step. What it answers with `ok: false`, or throws, is printed in full below the step's line.
   *
   * @param {string} name
   * @param {(note: (text: string) => void) => Promise<{ ok: boolean, output?: string, note?: string }>} work
   * @returns {Promise<{ name: string, ok: boolean, ms: number }>}
   */
  async function step(name, work) {
    number += 1;
    const head = `[${number}/${total}] ${name}`;
    const started = performance.now();
    process.stdout.write(terminal ? `${paint(2, `${head} …`)}` : `${head} … `);
    const note = (/** @type {string} */ text) => {
      if (terminal) process.stdout.write(`\r\x1b[2K${paint(2, clip(`${head} … ${text}`))}`);
    };
    let result;
    try {
      result = await work(note);
    } catch (error) {
      result = { ok: false, output: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    const ms = performance.now() - started;
    const time = `${(ms / 1000).toFixed(1)} s`;
    const more = result.note === undefined ? "" : ` (${result.note})`;
    if (terminal) {
      const mark = result.ok ? paint(32, "✓") : paint(31, "✗");
      process.stdout.write(`\r\x1b[2K${mark} ${head} ${paint(2, `${time}${more}`)}\n`);
    } else {
      process.stdout.write(`${result.ok ? "ok" : "FAILED"} ${time}${more}\n`);
    }
    if (!result.ok && result.output) process.stdout.write(`${result.output.trimEnd()}\n\n`);
    return { name, ok: result.ok, ms };
  }

  return { step };
}

function clip(/** @type {string} */ text) {
  return text.length < columns ? text : `${text.slice(0, columns - 2)}…`;
}
