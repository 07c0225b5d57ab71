import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type Ears, type EarsTally, openingMax } from "./ears.ts";

/** Answers of native/ears.c that end a command. */
type Answer = "opened" | "reset" | "tally";

/** Subscribers in native/ears.c. The program ends when this process does, for then its stdin ends. */
export function nativeEars(program: string): Ears {
  const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
  let deliveries = 0;
  let waiting: { answer: Answer; resolve: (rest: string) => void } | undefined;
  let fail: (reason: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // Between two commands nobody waits for it; the next command does.
  failed.catch(() => {});
  child.once("error", fail);
  child.once("close", (code) => fail(new Error(`The subscribers' process ended with ${code}.`)));
  createInterface(child.stdout).on("line", (line) => {
    const [word = "", rest = ""] = [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)];
    if (word === "heard") {
      deliveries = Number(rest);
      ears.onHeard();
    } else if (word === "failed") fail(new Error(rest));
    else if (waiting !== undefined && line.startsWith(waiting.answer)) {
      const { resolve } = waiting;
      waiting = undefined;
      resolve(rest);
    }
  });
  const ask = (command: string, answer: Answer): Promise<string> => {
    const answered = new Promise<string>((resolve) => {
      waiting = { answer, resolve };
    });
    child.stdin.write(`${command}\n`);
    return Promise.race([answered, failed]);
  };
  const ears: Ears = {
    pid: child.pid ?? 0,
    get deliveries() {
      return deliveries;
    },
    onHeard: () => {},
    async open({ port, protocol, channel }, count) {
      await ask(`open ${port} ${protocol} ${count} ${openingMax} ${channel}`, "opened");
    },
    async reset() {
      await ask("reset", "reset");
      deliveries = 0;
    },
    async tally(messages) {
      return JSON.parse(await ask(`tally ${messages}`, "tally")) as EarsTally;
    },
  };
  return ears;
}
