// Connects with ?channel=…, asks for an echo, and prints what is broadcast to the channel.
//   node client.mjs [channel]
import { io } from "socket.io-client";

const channel = process.argv[2] ?? "public:lobby";
const socket = io(process.env.FANFARE_URL ?? "http://127.0.0.1:8000", { query: { channel } });

socket.on("fanfare:welcome", async ({ id, channels }) => {
  console.log("connected as", id, "to", channels.join(", "));
  const { echo } = await socket.emitWithAck("echo", "are you there?");
  console.log("the server answered:", echo);
});
socket.on("fanfare:unsubscribed", ({ code }) => console.log("not subscribed:", code));
socket.on("message", (data, { offset }) => console.log(`${channel} #${offset}:`, data));
