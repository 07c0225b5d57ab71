import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import { until } from "./until.ts";

/** A server that answers with what it is sent, and the proxy before it. */
async function world(): Promise<{ proxy: FaultProxy; served: Socket[]; dial: () => Promise<Conversation> }> {
  const served: Socket[] = [];
  const server = createServer((socket) => {
    served.push(socket);
    socket.on("error", () => {});
    socket.pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = await startFaultProxy({ target: { port: (server.address() as AddressInfo).port } });
  onTestFinished(async () => {
    await proxy.close();
    for (const socket of served) socket.destroy();
    server.close();
  });
  return { proxy, served, dial: () => dial(proxy.port) };
}

interface Conversation {
  readonly socket: Socket;
  readonly said: () => string;
  readonly end: () => string | undefined;
}

async function dial(port: number): Promise<Conversation> {
  let said = "";
  let end: string | undefined;
  const socket = connect({ port, host: "127.0.0.1" });
  socket.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    end = error.code;
  });
  socket.on("end", () => {
    end ??= "FIN";
  });
  onTestFinished(() => void socket.destroy());
  return { socket, said: () => said, end: () => end };
}

test("in a black hole nothing arrives and nobody is told; what waited there arrives when it ends", async () => {
  const { proxy, served, dial } = await world();
  const { socket, said, end } = await dial();
  socket.write("a");
  await until(() => (said() === "a" ? undefined : `said ${said()}`));
  proxy.become("blackhole");
  socket.write("b");
  const late = await dial();
  late.socket.write("c");
  // As long as it takes to be sure that bytes would have come: a fresh connection makes whole round trips meanwhile.
  const { dial: dialElsewhere } = await world();
  const elsewhere = await dialElsewhere();
  elsewhere.socket.write("x");
  await until(() => (elsewhere.said() === "x" ? undefined : "no answer elsewhere"));
  expect([said(), end(), late.said(), late.end()]).toEqual(["a", undefined, "", undefined]);
  expect(served).toHaveLength(1);
  proxy.become("pass");
  await until(() => (said() === "ab" && late.said() === "c" ? undefined : `said ${said()} and ${late.said()}`));
});

test("in a black hole the sender is held back once the kernels are full", async () => {
  const { proxy, dial } = await world();
  const { socket } = await dial();
  await until(() => (proxy.connections === 1 ? undefined : "not connected"));
  proxy.become("blackhole");
  const megabyte = Buffer.alloc(1_048_576);
  for (let count = 0; count < 64; count++) socket.write(megabyte);
  await until(() => (socket.writableLength > 0 ? undefined : "everything was taken"));
  expect(socket.writableLength).toBeGreaterThan(16 * megabyte.length);
});

test("refusing resets what is there and what comes", async () => {
  const { proxy, dial } = await world();
  const before = await dial();
  await until(() => (proxy.connections === 1 ? undefined : "not connected"));
  proxy.become("refuse");
  const after = await dial();
  await until(() =>
    before.end() === "ECONNRESET" && after.end() === "ECONNRESET" ? undefined : `${before.end()} ${after.end()}`,
  );
});

test("a cut of the client's side leaves the server with a connection that says nothing", async () => {
  const { proxy, served, dial } = await world();
  const { socket, said, end } = await dial();
  socket.write("a");
  await until(() => (said() === "a" ? undefined : "no answer"));
  proxy.cut("client");
  await until(() => (end() === "ECONNRESET" ? undefined : `end ${end()}`));
  expect(served[0]?.destroyed).toBe(false);
  expect(proxy.connections).toBe(0);
});
