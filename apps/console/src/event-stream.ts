/** One server-sent event. */
export interface StreamEvent {
  /** Undefined: it is in no log, and cannot be gone on from. */
  readonly id: string | undefined;
  readonly type: string;
  readonly data: string;
}

/**
 * Reads server-sent events to the end of their stream, as EventSource would. That one cannot send a header, and a key has no
 * place in an address. `onChunk` is called for whatever comes, comments too: a sign of life.
 */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  onChunk: () => void,
  onEvent: (event: StreamEvent) => void,
): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onChunk();
    rest += decoder.decode(value, { stream: true });
    const blocks = rest.split("\n\n");
    // What stands behind the last empty line is not whole yet.
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parsed(block);
      if (event !== undefined) onEvent(event);
    }
  }
}

/** The fields that our server sends; a block of nothing but comments is no event. */
function parsed(block: string): StreamEvent | undefined {
  const lines = block.split("\n");
  const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const [type, data] = [field("event"), field("data")];
  return type === undefined || data === undefined ? undefined : { id: field("id"), type, data };
}
