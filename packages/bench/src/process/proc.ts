import { readFileSync } from "node:fs";

/** Ticks of /proc a second: USER_HZ, which is 100 on every architecture that Node runs on (proc(5)). */
const ticksPerSecond = 100;
const microsPerTick = 1_000_000 / ticksPerSecond;

/** CPU time of a process so far, in µs with a grain of 10 ms: utime + stime, its children's not included. */
export function cpuMicros(pid: number): number {
  return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8")) * microsPerTick;
}

/** Resident memory of a process in bytes, to the page. */
export function residentBytes(pid: number): number {
  return parseResident(readFileSync(`/proc/${pid}/status`, "utf8"));
}

/** How often a process has called write(2) and its kin so far, also on sockets. */
export function writeCalls(pid: number): number {
  return parseWriteCalls(readFileSync(`/proc/${pid}/io`, "utf8"));
}

/** Time in ms that a process's main thread has run so far, or was ready to and had to wait for a core. */
export function busyMs(pid: number): number {
  return parseSchedstat(readFileSync(`/proc/${pid}/schedstat`, "utf8")) / 1_000_000;
}

/** CPU time that all processes of the machine have used so far, in µs. */
export function machineMicros(): number {
  return parseBusy(readFileSync("/proc/stat", "utf8")) * microsPerTick;
}

/** How many files (and so connections) this process and its children may have open. */
export function openFilesMax(): number {
  return parseOpenFilesMax(readFileSync("/proc/self/limits", "utf8"));
}

/** Ticks in user and kernel mode: fields 14 and 15. */
export function parseStat(text: string): number {
  // Field 2 is the program's name in parentheses, and a name may hold blanks and parentheses itself.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return whole(fields[11], "utime") + whole(fields[12], "stime");
}

export function parseResident(text: string): number {
  return whole(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1], "VmRSS") * 1_024;
}

export function parseWriteCalls(text: string): number {
  return whole(/^syscw: (\d+)$/m.exec(text)?.[1], "syscw");
}

/** ns on a core and ns in its queue: the first two of three numbers. */
export function parseSchedstat(text: string): number {
  const [running, waiting] = text.split(" ");
  return whole(running, "time on a core") + whole(waiting, "time in the queue");
}

/** Ticks of the line `cpu`: all of its fields but idle, iowait, and the guests', which user and nice hold already. */
export function parseBusy(text: string): number {
  const fields = /^cpu +(.*)$/m.exec(text)?.[1]?.split(" ") ?? [];
  const [user, nice, system, , , irq, softirq] = fields;
  return [user, nice, system, irq, softirq].reduce((sum, field) => sum + whole(field, "cpu"), 0);
}

export function parseOpenFilesMax(text: string): number {
  const soft = /^Max open files\s+(\S+)/m.exec(text)?.[1];
  return soft === "unlimited" ? Number.MAX_SAFE_INTEGER : whole(soft, "Max open files");
}

function whole(text: string | undefined, name: string): number {
  if (text === undefined || !/^\d+$/.test(text)) throw new Error(`/proc has no ${name} where it should be: ${text}`);
  return Number(text);
}
