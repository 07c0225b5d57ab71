import { randomBytes } from "node:crypto";
import type { Clock, LostOwner, Presence } from "@fanfare/domain";
import type { Log, Metrics } from "@fanfare/telemetry";

/** A node that was killed is noticed after its lease and one beat, and swept within a second more: below 10 s together. */
const beatMs = 1_000;
const leaseMs = 6_000;

export interface OwnersParts {
  readonly presence: Presence;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "presenceSwept">;
  readonly membersMax: number;
  /** This node owns nothing in the partition: everything that it has there is to be said (again). */
  readonly began: (partition: number) => void;
}

interface Owner {
  readonly name: string;
  /** Whether the broker has been told of it. */
  begun: boolean;
  /** How many of its steps the broker has confirmed. */
  steps: number;
}

/**
 * Under which names this node owns members, one in each partition. It goes on under a new one when the broker has declared
 * it lost, has come back empty or has lost steps of it; what the old name still owns is swept like a lost node's, and so is
 * nothing that the node has said again meanwhile.
 */
export class Owners {
  readonly #parts: OwnersParts;
  /** New at every start: a node that is started again under the same name is not who it was. */
  readonly #boot = randomBytes(6).toString("base64url");
  readonly #owners: Owner[];
  #names = 0;
  #callOff = (): void => undefined;
  #stopped = false;

  constructor(parts: OwnersParts) {
    this.#parts = parts;
    this.#owners = Array.from({ length: parts.presence.partitions }, () => this.#newOwner());
    void this.#round();
  }

  /** Undefined until the broker has been told of it. */
  nameIn(partition: number): string | undefined {
    const owner = this.#owners[partition];
    return owner?.begun ? owner.name : undefined;
  }

  confirmed(partition: number, name: string, steps: number): void {
    const owner = this.#owners[partition];
    if (owner?.name === name) owner.steps = Math.max(owner.steps, steps);
  }

  /** The broker takes nothing from this name any more. */
  fenced(partition: number, name: string): void {
    const owner = this.#owners[partition];
    if (owner?.name !== name || !owner.begun) return;
    this.#owners[partition] = this.#newOwner();
    void this.#beat(partition);
  }

  /** Gives all members up to whoever their clients come back to within `afterMs`. Never rejects. */
  async retire(afterMs: number): Promise<void> {
    this.#stopped = true;
    this.#callOff();
    const { presence } = this.#parts;
    await Promise.allSettled(
      this.#owners.map(({ name }, partition) => presence.retire(partition, name, "disconnected", afterMs)),
    );
  }

  #newOwner(): Owner {
    return { name: `${this.#parts.node}.${this.#boot}.${++this.#names}`, begun: false, steps: 0 };
  }

  async #round(): Promise<void> {
    await Promise.all(this.#owners.map((_, partition) => this.#beat(partition)));
    if (!this.#stopped) this.#callOff = this.#parts.clock.after(beatMs, () => void this.#round());
  }

  async #beat(partition: number): Promise<void> {
    const { presence, log, began } = this.#parts;
    const owner = this.#owners[partition];
    if (owner === undefined || this.#stopped) return;
    const { steps: confirmed, begun } = owner;
    try {
      const { known, steps, lost } = await presence.beat(partition, owner.name, leaseMs);
      if (lost.length > 0) void this.#sweep(partition, lost);
      if (this.#owners[partition] !== owner) return;
      if (!begun) {
        if (owner.begun) return;
        owner.begun = true;
        began(partition);
      } else if (!known || steps < confirmed) {
        log.info({ partition }, "the broker has lost members of this node: they are said again");
        this.fenced(partition, owner.name);
      } else {
        owner.steps = Math.max(owner.steps, steps);
      }
    } catch (err) {
      // The link says when the broker is away; this would say so every second.
      log.debug({ err, partition }, "presence lease not renewed");
    }
  }

  async #sweep(partition: number, lost: readonly LostOwner[]): Promise<void> {
    const { presence, log, metrics, membersMax } = this.#parts;
    for (const one of lost) {
      try {
        const members = await presence.sweep(partition, one, membersMax);
        metrics.presenceSwept.inc(members);
        if (members > 0) log.info({ ...one, partition, members }, "took members away behind a node");
      } catch (err) {
        // Whoever beats next after the claim is told of it again.
        log.warn({ err, ...one }, "members behind a node not taken away");
      }
    }
  }
}
