import {
  type Channel,
  type DeliveryReport,
  limits,
  type NodeDeliveries,
  type NodeLife,
  type Receipt,
  type Receipted,
  type Receipts,
  type ReportedUpTo,
  type Seq,
} from "@fanfare/domain";
import type { Commands } from "./commands.ts";
import { receiptKey, receiptLivesKey, receiptOrderKey } from "./keys.ts";
import { byLife, countsOfText, lifeOfText, textOfCounts, textOfLife } from "./receipt-terms.ts";
import { scripts } from "./scripts.ts";

/** {@link Receipts} on Redis: a hash for each, which ends by itself. */
export class RedisReceipts implements Receipts {
  readonly #cluster: string;
  readonly #commands: Commands;
  readonly #lives: string;

  constructor(cluster: string, commands: Commands) {
    this.#cluster = cluster;
    this.#commands = commands;
    this.#lives = receiptLivesKey(cluster);
  }

  async open(publication: Receipted): Promise<void> {
    await this.#write("", "", [[publication, ""]]);
  }

  async report(life: NodeLife, deliveries: readonly DeliveryReport[], seqs: readonly Seq[] = []): Promise<void> {
    const said = deliveries.map((delivery) => [delivery, textOfCounts(delivery.counts)] as const);
    await this.#write(textOfLife(life), seqs.join(" "), said);
  }

  async find(channel: Channel, offset: number): Promise<Receipt | undefined> {
    const key = receiptKey(this.#cluster, channel, offset);
    const { epoch, seq, ...nodes } = await this.#commands.run((client) => client.hgetall(key));
    if (epoch === undefined || !Number.isSafeInteger(Number(seq))) return undefined;
    const said = Object.entries(nodes).flatMap(([who, text]): NodeDeliveries[] => {
      const life = lifeOfText(who);
      const counts = countsOfText(text);
      return life === undefined || counts === undefined ? this.#unreadable() : [{ ...life, counts }];
    });
    return { channel, epoch, offset, seq: Number(seq), nodes: said.sort(byLife) };
  }

  async reportedUpTo(): Promise<ReportedUpTo[]> {
    const lives = await this.#commands.run((client) => client.hgetall(this.#lives));
    const all = Object.entries(lives).flatMap(([who, text]): ReportedUpTo[] => {
      const life = lifeOfText(who);
      const [at = Number.NaN, ...seqs] = text.split(" ").map(Number);
      return life === undefined || ![at, ...seqs].every(Number.isSafeInteger) ? this.#unreadable() : [{ ...life, at, seqs }];
    });
    return all.sort(byLife);
  }

  async #write(who: string, seqs: string, said: readonly (readonly [Receipted, string])[]): Promise<void> {
    await this.#commands.run((client) =>
      scripts["receipts-write"].run(client, {
        keys: { lives: this.#lives, order: receiptOrderKey(this.#cluster) },
        moreKeys: said.map(([{ channel, offset }]) => receiptKey(this.#cluster, channel, offset)),
        args: { who, seqs, life: limits.receiptSeconds * 1_000 },
        moreArgs: said.flatMap(([{ epoch, seq }, counts]) => [epoch, seq, counts]),
      }),
    );
  }

  #unreadable(): [] {
    this.#commands.unreadable();
    return [];
  }
}
