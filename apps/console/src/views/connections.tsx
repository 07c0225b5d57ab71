import type { ConnectionRecord } from "@fanfare/domain";
import { useState } from "preact/hooks";
import { listMax, readAll } from "../pages.ts";
import { age, bytes, count } from "../parts/format.ts";
import { OneConnection } from "../parts/one-connection.tsx";
import { MissingNodes, Problem } from "../parts/ui.tsx";
import { usePoll } from "../parts/use-poll.ts";
import { useSettled } from "../parts/use-settled.ts";
import { VirtualList } from "../parts/virtual-list.tsx";
import { hrefOf } from "../routes.ts";
import { useAsk, useView } from "../view.ts";

/** Short lists are read again and again; long ones when somebody asks for it. */
const everyMs = 4_000;
const shortMax = 1_000;

const filters = [
  ["user", "User"],
  ["channel", "Channel"],
  ["node", "Node"],
] as const;

/** Who is connected, where, as whom and to what; and one of them. */
export default function Connections() {
  const ask = useAsk();
  const { route } = useView();
  const [selected] = route;
  const [typed, type] = useState({ user: "", channel: "", node: "" });
  const [transport, setTransport] = useState("");
  const [sort, setSort] = useState("id");
  const [short, setShort] = useState(true);
  const settled = useSettled(JSON.stringify({ ...typed, sort }));
  const { answer, problem, again } = usePoll(settled, short ? everyMs : 0, async (signal) => {
    const whole = await readAll<ConnectionRecord>(ask, "/connections", JSON.parse(settled), signal);
    setShort(whole.items.length <= shortMax);
    return whole;
  });
  const all = answer?.items ?? [];
  const items = transport === "" ? all : all.filter((one) => one.transport === transport);
  const now = Date.now();
  return (
    <div class="split" data-open={selected !== undefined}>
      <div class="master">
        <div class="title">
          <h1>Connections</h1>
          <span class="muted" data-testid="listed">
            {answer !== undefined && `${answer.more ? "the first " : ""}${count(items.length)}`}
          </span>
        </div>
        <form class="filters" onSubmit={(event) => event.preventDefault()}>
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
          {!short && (
            <button type="button" onClick={again}>
              Read again
            </button>
          )}
        </form>
        <Problem what={problem} />
        <MissingNodes nodes={answer?.nodesMissing} />
        {answer?.more === true && <p class="said">There are more than {count(listMax)}: narrow the search.</p>}
        {answer !== undefined && items.length === 0 && (
          <p class="said">{sort === "unsent" ? "Everybody has taken what they were sent." : "There is no such connection."}</p>
        )}
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
            user ?? "–",
            node,
            over,
            count(channels.length),
            bytes(unsentBytes),
            age(now - since),
          ]}
        />
      </div>
      {selected !== undefined && <OneConnection key={selected} id={selected} />}
    </div>
  );
}
