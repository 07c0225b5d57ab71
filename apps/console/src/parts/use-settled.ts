import { useEffect, useState } from "preact/hooks";

/** What was typed, once the typing has paused: not every letter is a question to the server. */
export function useSettled(text: string): string {
  const [settled, settle] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => settle(text), 250);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
