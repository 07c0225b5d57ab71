import type { EventEmitter } from "node:events";
import type { EmitterInside } from "./internals.ts";

/** Names without inherited ones, as the emitter's own object has none. */
const Listeners = function Listeners() {} as unknown as new () => Record<string, unknown>;
Listeners.prototype = Object.create(null) as object;

/**
 * Gives an emitter whose listeners are complete a compact list of them. The emitter's own has V8's dictionary form, which
 * takes 200 bytes and more however few listeners there are; the copy has the form of a plain object until a name is removed.
 */
export function compactListeners(emitter: EventEmitter): void {
  const inside = emitter as unknown as EmitterInside;
  const listeners = inside._events as Record<string, unknown> | undefined;
  const compact = new Listeners();
  // Nothing is inherited, and nobody names an event by a symbol here. Streams name some before anybody listens.
  for (const name in listeners) if (listeners[name] !== undefined) compact[name] = listeners[name];
  inside._events = compact;
}

/** For an emitter that nobody listens to: the list is made when somebody does. */
export function withoutListeners(emitter: EventEmitter): void {
  (emitter as unknown as EmitterInside)._events = undefined;
}

export function hasListeners(emitter: EventEmitter): boolean {
  return (emitter as unknown as EmitterInside)._events !== undefined;
}
