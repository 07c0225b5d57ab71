/** A map that takes the memory of a map only from its second entry on. What Socket.IO keeps by namespace has one, mostly. */
export class FewMap<Key, Value> {
  #key: Key | undefined;
  #value: Value | undefined;
  #more: Map<Key, Value> | undefined;

  get size(): number {
    return this.#more?.size ?? (this.#key === undefined ? 0 : 1);
  }

  has(key: Key): boolean {
    return this.#more === undefined ? key !== undefined && this.#key === key : this.#more.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#more === undefined ? (this.has(key) ? this.#value : undefined) : this.#more.get(key);
  }

  set(key: Key, value: Value): this {
    if (this.#more === undefined && this.#key !== undefined && this.#key !== key) {
      this.#more = new Map([[this.#key, this.#value as Value]]);
    }
    if (this.#more !== undefined) this.#more.set(key, value);
    else {
      this.#key = key;
      this.#value = value;
    }
    return this;
  }

  delete(key: Key): boolean {
    if (this.#more !== undefined) return this.#more.delete(key);
    const found = this.has(key);
    if (found) this.clear();
    return found;
  }

  clear(): void {
    this.#key = undefined;
    this.#value = undefined;
    this.#more?.clear();
  }

  /** Of this moment: what is deleted while one goes through them is still seen. */
  values(): Value[] {
    if (this.#more !== undefined) return [...this.#more.values()];
    return this.#key === undefined ? [] : [this.#value as Value];
  }
}
