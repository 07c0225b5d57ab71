import type { Feed } from "../feed.ts";
import type { FeedState } from "../feed-state.ts";
import { nothing } from "./format.ts";
import { Card, Fact } from "./ui.tsx";

/** Which way publications come here, and a switch to try the other one. */
export function Connection({ feed, state, onBlock }: { feed: Feed; state: FeedState; onBlock: (blocked: boolean) => void }) {
  const { transport, node, session, position } = state;
  const facts = [
    ["Transport", transport, "transport"],
    ["Node", node, "node"],
    ["Session", session, "session"],
    ["Position", position && `${position.epoch}:${position.offset}`, "position"],
  ] as const;
  return (
    <Card title="Connection">
      <dl class="facts">
        {facts.map(([name, value, testId]) => (
          <Fact key={name} name={name} testId={testId}>
            {value || nothing}
          </Fact>
        ))}
      </dl>
      <label class="switch">
        <span>
          Block websocket
          <small>Only long-polling comes through</small>
        </span>
        <input
          type="checkbox"
          role="switch"
          checked={state.websocketBlocked}
          aria-checked={state.websocketBlocked}
          onChange={({ currentTarget }) => {
            onBlock(currentTarget.checked);
            feed.blockWebsocket(currentTarget.checked);
          }}
        />
      </label>
    </Card>
  );
}
