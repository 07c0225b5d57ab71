import type { ChannelRules, Explanation } from "@fanfare/domain";
import { useEffect, useState } from "preact/hooks";
import { count } from "../parts/format.ts";
import { Card, Fact, Field, Problem, Said, Tag } from "../parts/ui.tsx";
import { useAct } from "../parts/use-act.ts";
import { once, usePoll } from "../parts/use-poll.ts";
import { useAsk, useMay } from "../view.ts";

interface Key {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number | null;
}

/** What holds for a channel, why a token may or may not, and which keys there are. */
export default function Access() {
  const ask = useAsk();
  const act = useAct();
  const mayKeys = useMay("keys");
  const [channel, setChannel] = useState("demo:sine");
  const [token, setToken] = useState("");
  const [found, setFound] = useState<{ rules: ChannelRules; explained: Explanation }>();
  const keys = usePoll(mayKeys ? "keys" : "none", once, async (signal) =>
    mayKeys ? (await ask<{ items: Key[] }>("GET", "/keys", undefined, signal)).items : [],
  );

  function explain(): void {
    act.run(async () => {
      const [rules, explained] = await Promise.all([
        ask<ChannelRules>("GET", `/rules/${encodeURIComponent(channel)}`),
        ask<Explanation>("POST", "/rules/explain", { channel, ...(token === "" ? {} : { token }) }),
      ]);
      setFound({ rules, explained });
      return "";
    });
  }

  // The rules of one channel say more than an empty place.
  useEffect(explain, []);

  return (
    <>
      <h1>Keys &amp; rules</h1>
      <div class="pair">
        <Card title="Why may this token not subscribe?">
          <form
            class="form"
            onSubmit={(event) => {
              event.preventDefault();
              explain();
            }}
          >
            <Field name="Channel">
              <input required value={channel} onInput={({ currentTarget }) => setChannel(currentTarget.value.trim())} />
            </Field>
            <Field name="Client token; empty: a client without one">
              <textarea
                rows={4}
                spellcheck={false}
                autocomplete="off"
                value={token}
                onInput={({ currentTarget }) => setToken(currentTarget.value.trim())}
              />
            </Field>
            <div class="buttons">
              <button type="submit" class="primary" disabled={act.busy || channel === ""}>
                Explain
              </button>
              <Said act={act} />
            </div>
          </form>
        </Card>
        {found !== undefined && <Explained {...found} />}
      </div>
      {mayKeys && (
        <Card title="Admin keys">
          <Problem what={keys.problem} />
          <ul class="names">
            {keys.answer?.map(({ name, scopes, expiresAt }) => (
              <li key={name}>
                <b>{name}</b>
                <span class="muted">
                  {scopes.length === 0 ? "everything" : scopes.join(", ")}
                  {expiresAt !== null && `, until ${new Date(expiresAt).toISOString().slice(0, 16)} UTC`}
                </span>
              </li>
            ))}
          </ul>
          <p class="muted">
            Keys are made with <code>fanfare key</code> and set in <code>FANFARE_ADMIN_KEYS</code>; their secrets are nowhere to
            be seen.
          </p>
        </Card>
      )}
    </>
  );
}

function Explained({ rules, explained: { token, answers } }: { rules: ChannelRules; explained: Explanation }) {
  return (
    <Card title={rules.channel}>
      <p>
        <Tag tone={token.accepted ? "good" : "bad"}>{token.accepted ? "gets in" : (token.code ?? "refused")}</Tag> {token.why}
      </p>
      {token.accepted && token.expiresAt !== null && (
        <p class="muted">
          User {token.user ?? "none"}; channels {token.channels.join(", ") || "none"}; publish{" "}
          {token.publish.join(", ") || "none"}; until {new Date(token.expiresAt).toLocaleString("en-GB")}.
        </p>
      )}
      <ul class="answers" data-testid="answers">
        {answers.map(({ action, allowed, audience, code, why }) => (
          <li key={action}>
            <b>{action}</b>
            <Tag tone={allowed ? "good" : "bad"}>{allowed ? "may" : (code ?? "may not")}</Tag>
            <span>
              {why} <span class="muted">The rule is “{audience}”.</span>
            </span>
          </li>
        ))}
      </ul>
      <dl class="facts">
        <Fact name="Kept">
          {count(rules.retain.count)} publications, {count(rules.retain.seconds)} s
        </Fact>
        <Fact name="Events of clients">{rules.events?.join(", ") ?? "any"}</Fact>
        <Fact name="Bytes a client may publish">{count(rules.payloadBytesMax)}</Fact>
        <Fact name="Tells who comes and goes">{rules.joinLeave ? "yes" : "no"}</Fact>
        <Fact name="Keeps trace contexts">{rules.trace ? "yes" : "no"}</Fact>
        <Fact name="Too slow a reader">{rules.slow}</Fact>
      </dl>
    </Card>
  );
}
