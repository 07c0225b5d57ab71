import { loadavg } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";

export interface MachineWatch {
  /** Until now. */
  figures(): Readonly<Record<string, string>>;
  end(): void;
}

/**
 * What the machine had left for a run, and how late this process was, which has all of the clients and the balancer: other
 * figures say nothing without it. Clients in a process that is late for longer than they wait for an answer never get one.
 */
export function watchMachine(): MachineWatch {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const loads: number[] = [];
  const look = (): void => {
    const [lastMinute = 0] = loadavg();
    loads.push(lastMinute);
  };
  look();
  const looking = setInterval(look, 10_000);
  return {
    figures() {
      const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length;
      const ms = (nanoseconds: number): string => `${Math.round(nanoseconds / 1e6)} ms`;
      return {
        loadAverage: `${mean.toFixed(1)}, at most ${Math.max(...loads).toFixed(1)}`,
        clientsLate: `p50 ${ms(delay.percentile(50))}, p99 ${ms(delay.percentile(99))}, at most ${ms(delay.max)}`,
      };
    },
    end() {
      clearInterval(looking);
      delay.disable();
    },
  };
}
