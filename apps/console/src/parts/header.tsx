import { useEffect, useRef, useState } from "preact/hooks";
import { hrefOf } from "../routes.ts";
import { applyTheme, storedTheme, themes } from "../theme.ts";
import { useView } from "../view.ts";

interface HeaderProps {
  readonly entries: readonly { readonly name: string; readonly title: string }[];
  readonly current: string;
}

export function Header({ entries, current }: HeaderProps) {
  const { url } = useView();
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone the names do not all fit beside each other.
    const link = nav.current?.querySelector<HTMLElement>(`[href="${hrefOf(current)}"]`);
    nav.current?.scrollTo({ left: (link?.offsetLeft ?? 0) - nav.current.clientWidth / 3 });
  }, [current]);
  return (
    <header class="header">
      <button type="button" class="skip" onClick={() => document.getElementById("view")?.focus()}>
        Skip to the view
      </button>
      <a class="wordmark" href="#/">
        <Mark />
        Fanfare
      </a>
      <nav ref={nav} aria-label="Views">
        {entries.map(({ name, title }) => (
          <a key={name} href={hrefOf(name)} aria-current={name === current ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <span class="server" title="The Socket.IO server of this cluster">
        {new URL(url).host}
      </span>
      <Identity />
      <ThemeChoice />
    </header>
  );
}

function Identity() {
  const { session, signOut } = useView();
  if (session === undefined) {
    return (
      <a class="identity" href={hrefOf("live")}>
        Sign in
      </a>
    );
  }
  const { name, scopes } = session;
  const readOnly = scopes.length > 0 && scopes.every((scope) => scope === "read");
  return (
    <span class="identity">
      <span title={`Scopes: ${scopes.length === 0 ? "all" : scopes.join(", ")}`}>
        {name}
        {readOnly && " (read only)"}
      </span>
      <button type="button" onClick={signOut}>
        Sign out
      </button>
    </span>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M4 9.5v5M12 6v12M20 2.5v19" />
    </svg>
  );
}

function ThemeChoice() {
  const [chosen, choose] = useState(storedTheme);
  return (
    <fieldset class="theme">
      <legend class="unseen">Theme</legend>
      {themes.map((theme) => (
        <label key={theme}>
          <input
            type="radio"
            name="theme"
            value={theme}
            checked={theme === chosen}
            onChange={() => {
              applyTheme(theme);
              choose(theme);
            }}
          />
          <span>{theme}</span>
        </label>
      ))}
    </fieldset>
  );
}
