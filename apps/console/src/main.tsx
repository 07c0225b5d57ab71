import { render } from "preact";
import { App } from "./app.tsx";
import { configured, publicUrl } from "./config.ts";
import { type Session, sessionOf, storedKey, storeKey } from "./session.ts";
import "./theme.css";
import "./views.css";
import { applyTheme, storedTheme } from "./theme.ts";

const root = document.getElementById("root");
if (root !== null) await start(root);

async function start(root: HTMLElement): Promise<void> {
  applyTheme(storedTheme());
  try {
    const [{ url, control }, session] = await Promise.all([configured(), storedSession()]);
    render(<App url={publicUrl(location.href, url)} control={control} first={session} />, root);
  } catch (problem) {
    render(<p role="alert">The console cannot start: {String(problem)}</p>, root);
  }
}

async function storedSession(): Promise<Session | undefined> {
  const key = storedKey();
  if (key === null) return undefined;
  return sessionOf(key).catch(() => {
    storeKey(null);
    return undefined;
  });
}
