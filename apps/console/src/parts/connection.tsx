import type { Feed } from "../feed.ts";
import type { FeedState } from "../feed-state.ts";
import { nothing } from "./format.ts";

/** Which way publications come here, and a switch to try the other one. */
export function Connection({ feed, state, onBlock }: { feed: Feed; state: FeedState; onBlock: (blocked: boolean) => void }) {
  const { position } = state;
  return (
    <section class="card" aria-labelledby="connection">
      <h2 id="connection">Connection</h2>
      <dl class="facts">
        <Fact name="Transport" value={state.transport} testId="transport" />
        <Fact name="Node" value={state.node} testId="node" />
        <Fact name="Session" value={state.session} testId="session" />
        <Fact name="Position" value={position === undefined ? "" : `${position.epoch}:${position.offset}`} testId="position" />
      </dl>
      <label class="switch">
        <span>
          Block websocket
          <small>Connects anew over long-polling only</small>
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
    </section>
  );
}

function Fact({ name, value, testId }: { name: string; value: string; testId: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-testid={testId} title={value}>
        {value === "" ? nothing : value}
      </dd>
    </div>
  );
}
