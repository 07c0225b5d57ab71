import { useState } from "preact/hooks";
import type { Told } from "../cluster-feed.ts";
import { count } from "../parts/format.ts";
import { Master } from "../parts/master.tsx";
import { OneChannel } from "../parts/one-channel.tsx";
import { useList } from "../parts/use-list.ts";
import { useSettled } from "../parts/use-settled.ts";
import { VirtualList } from "../parts/virtual-list.tsx";
import { hrefOf } from "../routes.ts";
import { useView } from "../view.ts";

interface Listed {
  readonly channel: string;
  readonly subscribers: number;
}

/** The channels that somebody is subscribed to, and one of them. */
export default function Channels() {
  const [selected] = useView().route;
  const [typed, type] = useState("");
  const prefix = useSettled(typed);
  const list = useList<Listed>("/channels", { prefix }, aboutSubscribers);
  const items = list.answer?.items ?? [];
  return (
    <div class="split" data-open={selected !== undefined}>
      <Master
        title="Channels"
        list={list}
        shown={items.length}
        unit="with subscribers"
        none={prefix === "" ? "Nobody is subscribed to anything." : `No channel that begins with ${prefix} has a subscriber.`}
        onSubmit={() => {
          if (typed !== "") location.hash = hrefOf("channels", typed);
        }}
        filters={
          <input
            type="search"
            aria-label="Channel begins with"
            placeholder="Begins with … (Enter opens it)"
            value={typed}
            onInput={({ currentTarget }) => type(currentTarget.value)}
          />
        }
      >
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
      </Master>
      {selected === undefined ? (
        <p class="hint">Choose a channel, or type the name of one and press Enter.</p>
      ) : (
        <OneChannel key={selected} channel={selected} />
      )}
    </div>
  );
}

/** Subscriptions that end with their connection are not told one by one. */
function aboutSubscribers(told: Told): boolean {
  return "connection" in told && told.type !== "connected";
}
