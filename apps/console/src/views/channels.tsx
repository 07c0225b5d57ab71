import { useState } from "preact/hooks";
import { listMax, readAll } from "../pages.ts";
import { count } from "../parts/format.ts";
import { OneChannel } from "../parts/one-channel.tsx";
import { MissingNodes, Problem } from "../parts/ui.tsx";
import { usePoll } from "../parts/use-poll.ts";
import { useSettled } from "../parts/use-settled.ts";
import { VirtualList } from "../parts/virtual-list.tsx";
import { hrefOf } from "../routes.ts";
import { useAsk, useView } from "../view.ts";

interface Listed {
  readonly channel: string;
  readonly subscribers: number;
}

/** The channels that somebody is subscribed to, and one of them. */
export default function Channels() {
  const ask = useAsk();
  const { route } = useView();
  const [selected] = route;
  const [typed, type] = useState("");
  const prefix = useSettled(typed);
  const { answer, problem } = usePoll(prefix, 4_000, (signal) => readAll<Listed>(ask, "/channels", { prefix }, signal));
  const items = answer?.items ?? [];
  return (
    <div class="split" data-open={selected !== undefined}>
      <div class="master">
        <div class="title">
          <h1>Channels</h1>
          <span class="muted" data-testid="listed">
            {answer !== undefined && `${answer.more ? "the first " : ""}${count(items.length)} with subscribers`}
          </span>
        </div>
        <form
          class="filters"
          onSubmit={(event) => {
            event.preventDefault();
            if (typed !== "") location.hash = hrefOf("channels", typed);
          }}
        >
          <input
            type="search"
            aria-label="Channel begins with"
            placeholder="Begins with … (Enter opens it)"
            value={typed}
            onInput={({ currentTarget }) => type(currentTarget.value)}
          />
        </form>
        <Problem what={problem} />
        <MissingNodes nodes={answer?.nodesMissing} />
        {answer?.more === true && <p class="said">There are more than {count(listMax)}: narrow the search.</p>}
        <VirtualList
          label="Channels"
          kind="of-channels"
          columns={["Channel", "Subscribers"]}
          items={items}
          keyOf={({ channel }) => channel}
          selected={selected}
          href={({ channel }) => hrefOf("channels", channel)}
          cells={({ channel, subscribers }) => [channel, count(subscribers)]}
        />
      </div>
      {selected === undefined ? (
        <p class="hint">Choose a channel, or type the name of one and press Enter.</p>
      ) : (
        <OneChannel key={selected} channel={selected} />
      )}
    </div>
  );
}
