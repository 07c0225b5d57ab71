/** What became of an attempt. */
export type Verdict = "ended" | "again";

export interface LaneOptions<Job> {
  /** Never rejects. */
  readonly attempt: (job: Job) => Promise<Verdict>;
  /** How many may be on their way at this moment. */
  readonly width: () => number;
  /** Resolves when it is time to try again, after this many pauses in a row. */
  readonly pause: (pauses: number) => Promise<void>;
  readonly onIdle: () => void;
}

/**
 * Sends jobs in their order, some at once. When one must be sent again, no further one is sent until all that are on
 * their way have ended; then the failed ones go again, before everything else and in their old order.
 */
export class Lane<Job> {
  readonly #options: LaneOptions<Job>;
  #waiting: Job[] = [];
  /** On their way, with what became of them, oldest first. */
  #sent: { readonly job: Job; failed: boolean }[] = [];
  #onTheWay = 0;
  #mustRepeat = false;
  #pauses = 0;
  #abandoned = false;

  constructor(options: LaneOptions<Job>) {
    this.#options = options;
  }

  add(job: Job): void {
    this.#waiting.push(job);
    this.#send();
  }

  /** Sends nothing more. */
  abandon(): void {
    this.#abandoned = true;
  }

  #send(): void {
    const { width } = this.#options;
    while (!this.#mustRepeat && !this.#abandoned && this.#onTheWay < width()) {
      const job = this.#waiting.shift();
      if (job === undefined) break;
      void this.#try(job);
    }
    if (this.#onTheWay === 0 && this.#waiting.length === 0) this.#options.onIdle();
  }

  async #try(job: Job): Promise<void> {
    const entry = { job, failed: false };
    this.#sent.push(entry);
    this.#onTheWay += 1;
    if ((await this.#options.attempt(job)) === "again") {
      entry.failed = true;
      this.#mustRepeat = true;
    } else {
      this.#pauses = 0;
    }
    this.#onTheWay -= 1;
    if (!this.#mustRepeat) this.#sent = this.#sent.filter((other) => other !== entry);
    else if (this.#onTheWay === 0) await this.#repeat();
    this.#send();
  }

  async #repeat(): Promise<void> {
    const failed = this.#sent.filter((entry) => entry.failed).map(({ job }) => job);
    this.#sent = [];
    this.#waiting = [...failed, ...this.#waiting];
    this.#pauses += 1;
    await this.#options.pause(this.#pauses);
    this.#mustRepeat = false;
  }
}
