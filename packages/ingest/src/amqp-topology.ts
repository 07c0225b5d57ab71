import type { Channel, ChannelModel } from "amqplib";

export interface AmqpTopology {
  readonly queue: string;
  readonly exchange?: string | undefined;
  readonly bindings: readonly string[];
}

/** The exchange and the queue where poison lies. */
export function deadNameOf(queue: string): string {
  return `${queue}.dead`;
}

/**
 * Makes the exchange, the queue, their bindings and the place for poison. What is there already with other properties is
 * used as it is: producers that follow RabbitMQ's tutorials declare queues too. So the queue is a plain durable one
 * without arguments. Calls `differs` with the name of what is not as it would have been made.
 */
export async function declareTopology(
  connection: ChannelModel,
  { queue, exchange, bindings }: AmqpTopology,
  differs: (name: string) => void,
): Promise<void> {
  const dead = deadNameOf(queue);
  await declared(connection, queue, differs, (channel) => channel.assertQueue(queue, { durable: true }));
  await declared(connection, dead, differs, (channel) => channel.assertQueue(dead, { durable: true }));
  await declared(connection, dead, differs, (channel) => channel.assertExchange(dead, "fanout", { durable: true }));
  if (exchange !== undefined) {
    await declared(connection, exchange, differs, (channel) => channel.assertExchange(exchange, "topic", { durable: true }));
  }
  await onChannel(connection, async (channel) => {
    await channel.bindQueue(dead, dead, "");
    if (exchange !== undefined) for (const key of bindings) await channel.bindQueue(queue, exchange, key);
  });
}

/** A refusal closes the channel (AMQP 0-9-1, 2.2.4), so each declaration has one of its own. */
async function declared(
  connection: ChannelModel,
  name: string,
  differs: (name: string) => void,
  declare: (channel: Channel) => Promise<unknown>,
): Promise<void> {
  try {
    await onChannel(connection, declare);
  } catch (error) {
    if (replyCode(error) !== preconditionFailed) throw error;
    differs(name);
  }
}

async function onChannel(connection: ChannelModel, work: (channel: Channel) => Promise<unknown>): Promise<void> {
  const channel = await connection.createChannel();
  // Without a listener the error of a refusal would end the process; the rejected call tells it too.
  channel.on("error", () => undefined);
  await work(channel);
  await channel.close();
}

const preconditionFailed = 406;
const accessRefused = 403;

function replyCode(error: unknown): number | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;
}

/** Whether somebody else reads the queue. */
export function isInUse(error: unknown): boolean {
  return replyCode(error) === accessRefused;
}
