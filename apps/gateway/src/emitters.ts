import type { Fanout } from "@fanfare/fanout";
import { readEmitterMessage } from "@fanfare/ingest/emitter-wire";
import type { Metrics } from "@fanfare/telemetry";

/** What a stock emitter has PUBLISHed, to whoever it is for and is here. Takes any bytes; what cannot be read is counted. */
export function passOn(message: Buffer, fanout: Pick<Fanout, "pass">, metrics: Pick<Metrics, "announcements">): void {
  let packet: ReturnType<typeof readEmitterMessage>;
  try {
    packet = readEmitterMessage(message);
  } catch {
    metrics.announcements.inc({ outcome: "garbage" });
    return;
  }
  fanout.pass(packet.data, packet.rooms, packet.except);
}
