import type { PageRequest, RegistryPage } from "@fanfare/domain";

/** Names in order, each once: what a Redis zset of equal scores is. Finding one takes the logarithm of their number. */
export class SortedNames {
  readonly #names: string[] = [];

  get size(): number {
    return this.#names.length;
  }

  add(name: string): void {
    const at = this.#placeOf(name);
    if (this.#names[at] !== name) this.#names.splice(at, 0, name);
  }

  delete(name: string): void {
    const at = this.#placeOf(name);
    if (this.#names[at] === name) this.#names.splice(at, 1);
  }

  /** Those that begin with `prefix`, behind `after`. */
  page({ after, limit }: PageRequest, prefix = ""): RegistryPage<string> {
    const begin = after === undefined || after < prefix ? this.#placeOf(prefix) : this.#placeOf(after, true);
    const found = this.#names.slice(begin, begin + limit + 1);
    const end = found.findIndex((name) => !name.startsWith(prefix));
    const all = end === -1 ? found : found.slice(0, end);
    const items = all.slice(0, limit);
    return { items, next: all.length > limit ? items.at(-1) : undefined };
  }

  /** Where the name is or would be; with `behind`, where the next one is. */
  #placeOf(name: string, behind = false): number {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#names[middle] as string;
      if (other < name || (behind && other === name)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
