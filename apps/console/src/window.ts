/** The newest points of one channel, each at its offset. */
export interface PointWindow {
  /** `y` NaN is a publication without a point: it is no hole, but there is nothing to draw. */
  put(offset: number, y: number, at: number): void;
  clear(): void;
  /** Offsets and values in order, a hole as null: what `plot.ts` draws. The arrays are the same ones at every call. */
  read(): [offsets: number[], ys: (number | null)[]];
  /** Publish times in the order of offsets: milliseconds since 1970. */
  times(): number[];
  at(offset: number): number | undefined;
  /** Publications held. */
  readonly count: number;
  /** Lowest and highest offset held; both 0 when empty. */
  readonly oldest: number;
  readonly newest: number;
  /** Changes whenever the content does. */
  readonly version: number;
}

/** A ring in which an offset's slot follows from the offset, so late ones find their place and holes stay empty. */
export function createWindow(capacity: number): PointWindow {
  const offsets = new Float64Array(capacity);
  const ys = new Float64Array(capacity);
  const ats = new Float64Array(capacity);
  const readOffsets: number[] = [];
  const readYs: (number | null)[] = [];
  let newest = 0;
  let version = 0;

  /** Slots keep what was there a lap ago until it is overwritten; the offset tells. */
  const holds = (offset: number) => offset > 0 && offsets[offset % capacity] === offset;

  function* held(): Generator<number> {
    for (let offset = Math.max(1, newest - capacity + 1); offset <= newest; offset++) if (holds(offset)) yield offset;
  }

  return {
    put(offset, y, at) {
      if (offset <= newest - capacity) return;
      const slot = offset % capacity;
      offsets[slot] = offset;
      ys[slot] = y;
      ats[slot] = at;
      newest = Math.max(newest, offset);
      version++;
    },
    clear() {
      offsets.fill(0);
      newest = 0;
      version++;
    },
    read() {
      readOffsets.length = 0;
      readYs.length = 0;
      for (let offset = this.oldest; offset > 0 && offset <= newest; offset++) {
        const y = holds(offset) ? ys[offset % capacity] : null;
        if (y === undefined || Number.isNaN(y)) continue;
        readOffsets.push(offset);
        readYs.push(y);
      }
      return [readOffsets, readYs];
    },
    times: () => Array.from(held(), (offset) => ats[offset % capacity] ?? 0),
    at: (offset) => (holds(offset) ? ys[offset % capacity] : undefined),
    get count() {
      return [...held()].length;
    },
    get oldest() {
      return held().next().value ?? 0;
    },
    get newest() {
      return newest;
    },
    get version() {
      return version;
    },
  };
}
