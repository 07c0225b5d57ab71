import { Refused } from "./session.ts";

/** Has `fanfare up` kill a node, at once and without a word. Rejects with a {@link Refused}. */
export async function killNode(control: string, key: string, node: string): Promise<void> {
  const init = { method: "POST", headers: { authorization: `Bearer ${key}` } };
  const response = await fetch(`${control}/nodes/${encodeURIComponent(node)}/kill`, init);
  if (!response.ok) throw new Refused(response.status, "The node was not killed: it may be gone already.");
}
