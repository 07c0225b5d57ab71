// Prints a channel's publications. Cut its connection, or kill the node it is on: it goes on where it was.
//   node client.mjs [channel] [event]
import { io } from "socket.io-client";

const [channel = "demo:sine", event = "point"] = process.argv.slice(2);
const socket = io(process.env.FANFARE_URL ?? "http://127.0.0.1:8000", { auth: { channels: [channel] } });

socket.on("connect", () => console.log(socket.recovered ? "back, nothing missed" : "connected"));
socket.on("disconnect", (reason) => console.log("connection lost:", reason));
socket.on("fanfare:reset", () => console.log("too far behind: load the present state from where it is kept"));
socket.on(event, (data, { offset, at }) => console.log(offset, new Date(at).toISOString(), JSON.stringify(data)));
