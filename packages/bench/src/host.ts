import type { ChildProcess } from "node:child_process";

/** A Redis for one contestant alone, listening on a unix socket. */
export interface BenchRedis {
  readonly socket: string;
  readonly pid: number;
  readonly version: string;
  /** Ends it and resolves when it is gone. */
  stop(): Promise<void>;
}

/** Programs of the folder native, built for this run. */
export interface NativeTools {
  /** Reads for many subscribers. */
  readonly ears: string;
  /** The control that does nothing but write. */
  readonly floor: string;
}

/** What the bench needs from whoever runs it. It knows neither where Fanfare is installed nor how a Redis is found. */
export interface BenchHost {
  /** The script that `fanfare <command>` runs. */
  readonly fanfare: string;
  /** Starts an empty Redis in a folder. */
  startRedis(dir: string): Promise<BenchRedis>;
  /** Sees to it that a child does not outlive this process, however it ends. */
  guard(child: ChildProcess): void;
  /** Told in words what is going on; called a few times a second at most. */
  progress(text: string): void;
  /** Set by `runBench`, where there is a compiler. */
  readonly native?: NativeTools;
  /** Ends the run: all children are ended and `runScenario` rejects. */
  readonly signal: AbortSignal;
}

export interface BenchOptions {
  /** Valid runs of each contestant. Five are the least whose median and spread say something. */
  readonly repetitions: number;
  /** Idle connections of the scenario `idle`. */
  readonly connections: number;
  /** Channels of the scenario `channels`. */
  readonly channels: number;
  /** Subscribers of each contestant, where there are many. */
  readonly subscribers: number;
  /** Whether it is enough to see that everything works. */
  readonly quick: boolean;
  /** A scenario starts no further repetition after this, so that it ends in a foreseeable time. */
  readonly budgetMs: number;
}
