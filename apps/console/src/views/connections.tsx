import type { ConnectionRecord } from "@fanfare/domain";
import { useState } from "preact/hooks";
import { age, bytes, count, nothing } from "../parts/format.ts";
import { Master } from "../parts/master.tsx";
import { OneConnection } from "../parts/one-connection.tsx";
import { useList } from "../parts/use-list.ts";
import { useSettled } from "../parts/use-settled.ts";
import { VirtualList } from "../parts/virtual-list.tsx";
import { hrefOf } from "../routes.ts";
import { useView } from "../view.ts";

const filters = [
  ["user", "User"],
  ["channel", "Channel"],
  ["node", "Node"],
] as const;

/** Who is connected, where, as whom and to what; and one of them. */
export default function Connections() {
  const [selected] = useView().route;
  const [typed, type] = useState({ user: "", channel: "", node: "" });
  const [transport, setTransport] = useState("");
  const [sort, setSort] = useState("id");
  const settled = useSettled(JSON.stringify({ ...typed, sort }));
  const list = useList<ConnectionRecord>("/connections", JSON.parse(settled), (told) => "connection" in told);
  const all = list.answer?.items ?? [];
  const items = transport === "" ? all : all.filter((one) => one.transport === transport);
  const now = Date.now();
  return (
    <div class="split" data-open={selected !== undefined}>
      <Master
        title="Connections"
        list={list}
        shown={items.length}
        unit={items.length === 1 ? "connection" : "connections"}
        none={sort === "unsent" ? "Everybody has taken what they were sent." : "There is no such connection."}
        onSubmit={() => list.again()}
        filters={
          <>
            {filters.map(([name, title]) => (
              <input
                key={name}
                type="search"
                aria-label={title}
                placeholder={title}
                value={typed[name]}
                onInput={({ currentTarget }) => type({ ...typed, [name]: currentTarget.value.trim() })}
              />
            ))}
            <select aria-label="Transport" value={transport} onChange={({ currentTarget }) => setTransport(currentTarget.value)}>
              <option value="">Any transport</option>
              <option value="websocket">websocket</option>
              <option value="polling">polling</option>
            </select>
            <select aria-label="Order" value={sort} onChange={({ currentTarget }) => setSort(currentTarget.value)}>
              <option value="id">By id</option>
              <option value="unsent">Slowest first</option>
            </select>
          </>
        }
      >
        <VirtualList
          label="Connections"
          kind="of-connections"
          columns={["Connection", "User", "Node", "Transport", "Channels", "Unsent", "Since"]}
          items={items}
          keyOf={({ id }) => id}
          selected={selected}
          href={({ id }) => hrefOf("connections", id)}
          cells={({ id, user, node, transport: over, channels, unsentBytes, since }) => [
            id,
            user ?? nothing,
            node,
            over,
            count(channels.length),
            bytes(unsentBytes),
            age(now - since),
          ]}
        />
      </Master>
      {selected !== undefined && <OneConnection key={selected} id={selected} />}
    </div>
  );
}
