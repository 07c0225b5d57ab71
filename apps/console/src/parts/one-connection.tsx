import type { ConnectionRecord } from "@fanfare/domain";
import { useState } from "preact/hooks";
import type { Told } from "../cluster-feed.ts";
import { hrefOf } from "../routes.ts";
import { useAsk, useMay } from "../view.ts";
import { age, bytes, nothing } from "./format.ts";
import { mistakeIn } from "./publish-form.tsx";
import { Card, Fact, Field, Item, Problem, Said } from "./ui.tsx";
import { useAct } from "./use-act.ts";
import { usePoll } from "./use-poll.ts";

/** One connection: what is known of it, and what it can be told to do. */
export function OneConnection({ id }: { id: string }) {
  const ask = useAsk();
  const mayAct = useMay("connections");
  const path = `/connections/${encodeURIComponent(id)}`;
  // How much waits for it is not in the feed.
  const pace = { everyMs: 2_000, calmMs: 4_000, stirs: (told: Told) => "connection" in told && told.connection === id };
  const { answer, problem, again } = usePoll(id, pace, (signal) => ask<ConnectionRecord>("GET", path, undefined, signal));
  return (
    <Item name={id} list="connections">
      <Problem what={problem} />
      {answer !== undefined && (
        <dl class="facts card">
          <Fact name="User">{answer.user ?? nothing}</Fact>
          <Fact name="Node">
            <a href={hrefOf("nodes", answer.node)}>{answer.node}</a>
          </Fact>
          <Fact name="Transport">{answer.transport}</Fact>
          <Fact name="Address">{answer.address}</Fact>
          <Fact name="Client">{answer.client ?? nothing}</Fact>
          <Fact name="Connected for">{age(Date.now() - answer.since)}</Fact>
          <Fact name="Unsent">{bytes(answer.unsentBytes)}</Fact>
        </dl>
      )}
      {answer !== undefined && (
        <Card title="Channels">
          <ul class="names">
            {answer.channels.map((channel) => (
              <li key={channel}>
                <a href={hrefOf("channels", channel)}>{channel}</a>
              </li>
            ))}
          </ul>
          {answer.channels.length === 0 && <p class="muted">It is subscribed to none.</p>}
        </Card>
      )}
      {mayAct && answer !== undefined && <Acts path={path} done={again} />}
    </Item>
  );
}

function Acts({ path, done }: { path: string; done: () => void }) {
  const ask = useAsk();
  const act = useAct();
  const [channel, setChannel] = useState("");
  const [data, setData] = useState('"hello"');
  const mistake = mistakeIn(data);
  const tell = (said: string, method: string, what: string, body?: unknown) => () =>
    act.run(async () => {
      await ask(method, path + what, body);
      done();
      return said;
    });
  return (
    <Card title="Tell it to">
      <div class="form">
        <Field name="Channel">
          <input value={channel} onInput={({ currentTarget }) => setChannel(currentTarget.value.trim())} />
        </Field>
        <div class="buttons">
          <button type="button" disabled={channel === ""} onClick={tell("Subscribed.", "POST", "/subscribe", { channel })}>
            Subscribe
          </button>
          <button type="button" disabled={channel === ""} onClick={tell("Unsubscribed.", "POST", "/unsubscribe", { channel })}>
            Unsubscribe
          </button>
        </div>
        <Field name="Message, JSON">
          <input
            spellcheck={false}
            aria-invalid={mistake !== ""}
            value={data}
            onInput={({ currentTarget }) => setData(currentTarget.value)}
          />
        </Field>
        <div class="buttons">
          <button
            type="button"
            disabled={mistake !== ""}
            onClick={() => tell("Sent.", "POST", "/emit", { event: "message", data: JSON.parse(data) })()}
          >
            Hear this
          </button>
          <button type="button" onClick={tell("Closed: it comes back by itself.", "DELETE", "?reconnect=true")}>
            Reconnect
          </button>
          <button type="button" class="danger" onClick={tell("Closed for good.", "DELETE", "")}>
            Disconnect for good
          </button>
        </div>
        <Said act={act} />
      </div>
    </Card>
  );
}
