import { useState } from "preact/hooks";
import { applyTheme, storedTheme, themes } from "../theme.ts";

export function Header({ server }: { server: string }) {
  return (
    <header class="header">
      <a class="wordmark" href="./">
        <Mark />
        Fanfare
      </a>
      <span class="server" title="The Socket.IO server this page is connected to">
        {server}
      </span>
      <ThemeChoice />
    </header>
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
