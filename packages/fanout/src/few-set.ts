/**
 * As much of a set as Socket.IO's adapters use, which takes the memory of one only from its third value on. Most sockets are
 * in two rooms, their own and that of a channel, and in the first of these there is nobody else.
 */
export class FewSet<Value> {
  #first: Value | undefined;
  #second: Value | undefined;
  #more: Set<Value> | undefined;

  get size(): number {
    return this.#more?.size ?? listOf(this.#first, this.#second).length;
  }

  has(value: Value): boolean {
    if (this.#more !== undefined) return this.#more.has(value);
    return value !== undefined && (value === this.#first || value === this.#second);
  }

  add(value: Value): this {
    if (this.has(value)) return this;
    if (this.#more !== undefined) this.#more.add(value);
    else if (this.#first === undefined) this.#first = value;
    else if (this.#second === undefined) this.#second = value;
    else {
      this.#more = new Set([this.#first, this.#second, value]);
      this.#first = undefined;
      this.#second = undefined;
    }
    return this;
  }

  delete(value: Value): boolean {
    if (this.#more !== undefined) return this.#more.delete(value);
    if (!this.has(value)) return false;
    // The first is the one that came first, as in a set.
    if (value === this.#first) this.#first = this.#second;
    this.#second = undefined;
    return true;
  }

  forEach(act: (value: Value) => void): void {
    for (const value of this) act(value);
  }

  /** Of a few values: those of this moment, also when one is deleted meanwhile. */
  [Symbol.iterator](): IterableIterator<Value> {
    return (this.#more ?? listOf(this.#first, this.#second)).values();
  }
}

/** No method: a class with private ones has one more field in each of its objects. */
function listOf<Value>(first: Value | undefined, second: Value | undefined): Value[] {
  if (first === undefined) return [];
  return second === undefined ? [first] : [first, second];
}
