import { useEffect, useState } from "preact/hooks";
import type { Feed } from "../feed.ts";
import type { FeedState } from "../feed-state.ts";

/** The feed's state, at most once a frame however fast it changes, and at least every half second for what only ages. */
export function useFeed(feed: Feed): FeedState {
  const [, render] = useState({});
  useEffect(() => {
    let frame = 0;
    const soon = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        render({});
      });
    };
    const ageing = setInterval(soon, 500);
    const end = feed.onChange(soon);
    soon();
    return () => {
      end();
      clearInterval(ageing);
      cancelAnimationFrame(frame);
    };
  }, [feed]);
  return feed.state();
}
