// biome-ignore-all lint/a11y/useSemanticElements: the rows of a table element cannot be laid at a place, and these have to be
// biome-ignore-all lint/a11y/useFocusableInteractive: a table that is only read has no rows to be focused; links in it have
// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls has to scroll by keys
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export interface VirtualListProps<Item> {
  readonly items: readonly Item[];
  /** Names of the columns, for those who see them and those who hear them. */
  readonly columns: readonly string[];
  /** The cells of an item, as many as there are columns. */
  readonly cells: (item: Item) => readonly ComponentChildren[];
  readonly keyOf: (item: Item) => string;
  /** Where the first cell leads. */
  readonly href?: ((item: Item) => string) | undefined;
  readonly selected?: string | undefined;
  readonly label: string;
  /** Names the widths of the columns in the style sheet. */
  readonly kind: string;
}

/** Rows kept beyond what is seen, so that scrolling by keys does not show white. */
const beyond = 8;
/** The height of a row, as the style sheet has it. */
const rowRem = 2.1;

/** A table of which only the rows that are seen exist: five thousand cost no more than fifty. */
export function VirtualList<Item>(props: VirtualListProps<Item>) {
  const { items, columns, cells, keyOf, href, selected, label, kind } = props;
  const host = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ from: 0, to: 40 });
  const rowPx = rowRem * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

  function look(): void {
    if (host.current === null) return;
    const { scrollTop, clientHeight } = host.current;
    const from = Math.max(0, Math.floor(scrollTop / rowPx) - beyond);
    const to = Math.ceil((scrollTop + clientHeight) / rowPx) + beyond;
    setSeen((before) => (before.from === from && before.to === to ? before : { from, to }));
  }
  useEffect(() => {
    if (host.current === null) return;
    const resized = new ResizeObserver(look);
    resized.observe(host.current);
    return () => resized.disconnect();
  }, [rowPx]);

  return (
    <div class={`list ${kind}`} role="table" aria-label={label} aria-rowcount={items.length + 1}>
      <div class="row head" role="row" aria-rowindex={1}>
        {columns.map((column) => (
          <span role="columnheader" key={column}>
            {column}
          </span>
        ))}
      </div>
      <div ref={host} class="rows" role="rowgroup" tabIndex={0} onScroll={look}>
        <div role="presentation" style={{ height: `${items.length * rowRem}rem` }}>
          {items.slice(seen.from, seen.to).map((item, index) => {
            const at = seen.from + index;
            return (
              <div
                key={keyOf(item)}
                class="row"
                role="row"
                aria-rowindex={at + 2}
                data-selected={selected === keyOf(item)}
                style={{ top: `${at * rowRem}rem` }}
              >
                {cells(item).map((cell, column) => (
                  <span role="cell" key={column}>
                    {column === 0 && href !== undefined ? <a href={href(item)}>{cell}</a> : cell}
                  </span>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
