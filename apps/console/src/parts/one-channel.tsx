import type { ChannelInfo, ChannelRules, ConnectionRecord, PresencePage } from "@fanfare/domain";
import type { Told } from "../cluster-feed.ts";
import { hrefOf } from "../routes.ts";
import { useAsk, useMay } from "../view.ts";
import { count, nothing } from "./format.ts";
import { PublishForm } from "./publish-form.tsx";
import { Tail } from "./tail.tsx";
import { Card, Fact, Item, Problem } from "./ui.tsx";
import { once, usePoll } from "./use-poll.ts";

/** People shown; the rest is a number. */
const shownMax = 50;

/** One channel: how it stands, what is published, who is there, and a form to publish. */
export function OneChannel({ channel }: { channel: string }) {
  const ask = useAsk();
  const mayPublish = useMay("publish");
  const path = `/channels/${encodeURIComponent(channel)}`;
  // Who is there is in the feed; what is published is not, so that is asked for.
  const pace = { everyMs: 4_000, calmMs: 15_000, stirs: (told: Told) => told.type === "disconnected" || concerns(told, channel) };
  const info = usePoll(channel, { everyMs: 2_000 }, (signal) => ask<ChannelInfo>("GET", path, undefined, signal));
  const rules = usePoll(channel, once, (signal) =>
    ask<ChannelRules>("GET", `/rules/${encodeURIComponent(channel)}`, undefined, signal),
  );
  // Asked where no account is kept, the server would refuse, and the browser note it, again and again.
  const counted = rules.answer !== undefined && (rules.answer.presence !== "nobody" || rules.answer.joinLeave);
  const there = usePoll(`${channel} ${counted}`, counted ? pace : once, async (signal) =>
    counted ? ask<PresencePage>("GET", `${path}/presence?limit=${shownMax}`, undefined, signal) : undefined,
  );
  const heard = usePoll(channel, pace, (signal) =>
    ask<{ items: ConnectionRecord[]; next: string | null }>("GET", `${path}/connections?limit=${shownMax}`, undefined, signal),
  );
  const { subscribers, offset, retained, epoch } = info.answer ?? {};
  return (
    <Item name={channel} list="channels">
      <Problem what={info.problem} />
      <dl class="figures small">
        <Fact name="Subscribers" testId="subscribers">
          {subscribers === undefined ? nothing : count(subscribers)}
        </Fact>
        <Fact name="Offset" testId="offset">
          {offset === undefined ? nothing : count(offset)}
        </Fact>
        <Fact name="Kept">{retained === undefined ? nothing : count(retained)}</Fact>
        <Fact name="Epoch">{epoch ?? nothing}</Fact>
      </dl>
      <Tail key={channel} path={path} />
      {mayPublish && <PublishForm channel={channel} />}
      <div class="pair">
        <Card title="Subscribers">
          <Problem what={heard.problem} />
          <ul class="names">
            {heard.answer?.items.map(({ id, user, node, transport }) => (
              <li key={id}>
                <a href={hrefOf("connections", id)}>{user ?? id}</a>
                <span class="muted">
                  {transport} at {node}
                </span>
              </li>
            ))}
          </ul>
          {heard.answer?.next != null && <p class="muted">The first {shownMax}; Connections lists all.</p>}
        </Card>
        <Card
          title="Presence"
          aside={
            there.answer !== undefined && (
              <span class="muted">
                {count(there.answer.users)} users, {count(there.answer.clients)} clients
              </span>
            )
          }
        >
          <Problem what={there.problem ?? rules.problem} />
          {rules.answer !== undefined && !counted && (
            <p class="muted">The rules of this channel keep no account of who is in it.</p>
          )}
          <ul class="names">
            {there.answer?.members.map(({ id, user, info: said }) => (
              <li key={id}>
                <span>{user ?? id}</span>
                <span class="muted mono">{said == null ? "" : JSON.stringify(said)}</span>
              </li>
            ))}
          </ul>
        </Card>
      </div>
    </Item>
  );
}

function concerns(told: Told, channel: string): boolean {
  return "channel" in told && told.channel === channel;
}
