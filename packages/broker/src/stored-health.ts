import { isNumber } from "./stored-json.ts";

const figures = ["cpuPercent", "loopDelayMs", "memoryBytes", "unsentBytes"];

/** Whether a node can have said this of its health; a process that is no node says nothing of it. */
export function isHealthOrAbsent(value: unknown): boolean {
  if (value === undefined) return true;
  if (!isMembers(value) || !figures.every((figure) => isNumber(value[figure]))) return false;
  const { canaryAgeMs, latencyMs } = value;
  if (canaryAgeMs !== null && !isNumber(canaryAgeMs)) return false;
  return latencyMs === null || (isMembers(latencyMs) && isNumber(latencyMs.p50) && isNumber(latencyMs.p99));
}

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
