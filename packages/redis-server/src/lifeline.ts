import { type ChildProcess, spawn } from "node:child_process";

/**
 * Sees to it that a child does not outlive this process, however it ends: SIGKILL leaves us no turn to end it ourselves.
 *
 * A small shell waits on a pipe that we never write to. When we are gone the kernel closes the pipe, `read` returns, and
 * the shell kills the child. It has its own process group, so a Ctrl-C in the terminal does not end it before its time.
 */
export function endWithUs(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const guard = spawn("/bin/sh", ["-c", 'read -r _; kill -9 "$0" 2>/dev/null', String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  // Killed rather than let go: a guard that outlives its child could hit whoever gets the process id next.
  child.once("exit", () => guard.kill("SIGKILL"));
  guard.on("error", () => {});
  guard.stdin.on("error", () => {});
  // Neither the guard nor its pipe is a reason for this process to stay. (A pipe has `unref`; its type is a plain stream.)
  guard.unref();
  if ("unref" in guard.stdin && typeof guard.stdin.unref === "function") guard.stdin.unref();
}
