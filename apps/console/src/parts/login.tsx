import { useState } from "preact/hooks";
import { type Session, sessionOf } from "../session.ts";
import { Said } from "./ui.tsx";
import { useAct } from "./use-act.ts";

/** Asks for an admin key. It goes to the admin API and stays in this tab. */
export function Login({ title, onSession }: { title: string; onSession: (session: Session) => void }) {
  const [key, setKey] = useState("");
  const act = useAct();
  return (
    <form
      class="card login"
      onSubmit={(event) => {
        event.preventDefault();
        act.run(async () => {
          onSession(await sessionOf(key.trim()));
          return "";
        });
      }}
    >
      <h1>{title}</h1>
      <p>
        Sign in with an admin key. <code>fanfare up</code> prints one; elsewhere it is the secret of a name in{" "}
        <code>FANFARE_ADMIN_KEYS</code>.
      </p>
      <label class="field">
        <span>Admin key</span>
        <input
          type="password"
          autocomplete="current-password"
          required
          value={key}
          onInput={({ currentTarget }) => setKey(currentTarget.value)}
        />
      </label>
      <div class="buttons">
        <button type="submit" class="primary" disabled={act.busy || key === ""}>
          Sign in
        </button>
      </div>
      <Said act={act} />
      <p class="muted">
        The key stays in this tab and is gone when you close it. With the scope read you see everything and change nothing.
      </p>
    </form>
  );
}
