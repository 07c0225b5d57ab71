import type { SignedToken } from "@fanfare/domain";
import { useState } from "preact/hooks";
import { clock } from "../parts/format.ts";
import { Card, Field, Said } from "../parts/ui.tsx";
import { useAct } from "../parts/use-act.ts";
import { snippets } from "../snippets.ts";
import { useAsk, useMay, useView } from "../view.ts";

const lifeSeconds = 900;

/** How to listen and to publish, in every language, ready to be copied. */
export default function Snippets() {
  const ask = useAsk();
  const act = useAct();
  const { url } = useView();
  const maySign = useMay("keys");
  const [channel, setChannel] = useState("demo:sine");
  const [token, setToken] = useState("");
  const [chosen, choose] = useState("Browser");
  const all = snippets({ url, admin: location.origin, channel, token });
  const one = all.find(({ name }) => name === chosen) ?? all[0];

  function sign(): void {
    act.run(async () => {
      const body = { user: "ada", channels: [channel], ttlSeconds: lifeSeconds };
      const signed = await ask<SignedToken>("POST", "/tokens", body);
      setToken(signed.token);
      return `The token is of the user ada and ends at ${clock(signed.expiresAt)}.`;
    });
  }

  return (
    <>
      <h1>Snippets</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <Field name="Channel">
          <input
            value={channel}
            onInput={({ currentTarget }) => {
              setChannel(currentTarget.value.trim());
              setToken("");
            }}
          />
        </Field>
        {maySign && (
          <button type="button" disabled={act.busy || channel === ""} onClick={sign}>
            Fill in a fresh token
          </button>
        )}
        {maySign ? <Said act={act} /> : <p class="said">With an admin key of the scope keys a fresh token can be filled in.</p>}
      </form>
      <fieldset class="tabs">
        <legend class="unseen">Language</legend>
        {all.map(({ name }) => (
          <label key={name}>
            <input type="radio" name="language" checked={name === one?.name} onChange={() => choose(name)} />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
      {one !== undefined && (
        <Card title={one.name} aside={<Copy text={one.code} />}>
          <p class="muted">Needs {one.needs}.</p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled by keys */}
          <pre tabIndex={0} data-testid="snippet">
            <code>{one.code}</code>
          </pre>
        </Card>
      )}
    </>
  );
}

function Copy({ text }: { text: string }) {
  const act = useAct();
  return (
    <span class="buttons">
      <Said act={act} />
      <button type="button" onClick={() => act.run(() => navigator.clipboard.writeText(text).then(() => "Copied."))}>
        Copy
      </button>
    </span>
  );
}
