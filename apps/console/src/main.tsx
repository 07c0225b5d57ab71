import { render } from "preact";
import { configuredUrl, publicUrl } from "./config.ts";
import { createFeed } from "./feed.ts";
import { Header } from "./parts/header.tsx";
import { Live } from "./parts/live.tsx";
import "uplot/dist/uPlot.min.css";
import "./theme.css";
import { applyTheme, storedTheme } from "./theme.ts";

const channel = "demo:sine";
const capacity = 100;

const root = document.getElementById("root");
if (root !== null) await start(root);

async function start(root: HTMLElement): Promise<void> {
  applyTheme(storedTheme());
  try {
    const url = publicUrl(location.href, await configuredUrl());
    const feed = createFeed({ url, channel, capacity });
    render(
      <>
        <Header server={new URL(url).host} />
        <Live feed={feed} />
      </>,
      root,
    );
  } catch (problem) {
    render(<p role="alert">The console cannot start: {String(problem)}</p>, root);
  }
}
