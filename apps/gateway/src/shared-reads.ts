/**
 * Reads that many ask for at once. Whoever asks gets the answer of a reading that began after it asked, and no more than two
 * of one key are under way: the one that runs, and the one for all who came since.
 */
export class SharedReads<Key, Value> {
  readonly #read: (key: Key) => Promise<Value>;
  readonly #running = new Map<Key, Promise<Value>>();
  readonly #next = new Map<Key, Promise<Value>>();

  constructor(read: (key: Key) => Promise<Value>) {
    this.#read = read;
  }

  get(key: Key): Promise<Value> {
    const running = this.#running.get(key);
    if (running === undefined) return this.#start(key);
    const waiting = this.#next.get(key);
    if (waiting !== undefined) return waiting;
    const begin = (): Promise<Value> => {
      this.#next.delete(key);
      return this.#start(key);
    };
    const next = running.then(begin, begin);
    this.#next.set(key, next);
    return next;
  }

  #start(key: Key): Promise<Value> {
    const reading = this.#read(key);
    this.#running.set(key, reading);
    const done = (): void => {
      if (this.#running.get(key) === reading) this.#running.delete(key);
    };
    reading.then(done, done);
    return reading;
  }
}
