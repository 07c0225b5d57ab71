/** What stands between the in-memory pub-subs of one process, as Redis does between nodes. */
export class MemoryHub {
  readonly #members = new Map<string, Set<(topic: string, message: Uint8Array) => void>>();

  join(topic: string, hear: (topic: string, message: Uint8Array) => void): void {
    const members = this.#members.get(topic);
    if (members === undefined) this.#members.set(topic, new Set([hear]));
    else members.add(hear);
  }

  leave(topic: string, hear: (topic: string, message: Uint8Array) => void): void {
    const members = this.#members.get(topic);
    members?.delete(hear);
    if (members?.size === 0) this.#members.delete(topic);
  }

  tell(topic: string, message: Uint8Array): void {
    for (const hear of this.#members.get(topic) ?? []) hear(topic, message);
  }

  count(topic: string): number {
    return this.#members.get(topic)?.size ?? 0;
  }
}
