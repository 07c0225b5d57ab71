/*
 * The other processes of non-readers.run.ts, by their first argument: many who read or do not, the one whose time is taken, and
 * the publisher. Each has a process of its own, so that what one costs is not the lateness of another. Times are ms since 1970,
 * with fractions, of one machine's clock.
 */
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { WebSocket } from "ws";

const [role, port, ...rest] = process.argv.slice(2);
const channel = "public:flood";
const join = `40{"channels":["${channel}"]}`;
const now = () => performance.timeOrigin + performance.now();
const say = (message) => process.send?.(message);
process.once("disconnect", () => process.exit());

if (role === "drain" || role === "ignore") listen(Number(rest[0]), Number(rest[1]));
else if (role === "read") read();
else publish(...rest);

/**
 * Raw connections: a websocket would have to read to notice its end. They answer pings that they have not read. What comes is
 * thrown away unread, or left where it is.
 */
function listen(count, pongEveryMs) {
  let welcomed = 0;
  for (let number = 0; number < count; number++) {
    const socket = connect(Number(port), "127.0.0.1");
    const upgrade = [
      "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
      "Host: x",
      "Connection: Upgrade",
      "Upgrade: websocket",
    ];
    socket.write(`${[...upgrade, "Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${"A".repeat(22)}==`].join("\r\n")}\r\n\r\n`);
    let heard = "";
    const hear = (data) => {
      const before = heard;
      heard = `${before.slice(-100)}${data.toString("latin1")}`;
      if (!before.includes("pingInterval") && heard.includes("pingInterval")) socket.write(frame(join));
      if (!heard.includes("fanfare:welcome")) return;
      socket.off("data", hear);
      if (role === "ignore") socket.pause();
      else socket.resume();
      if (++welcomed === count) say({ kind: "ready" });
    };
    const pongs = setInterval(() => socket.write(frame("3")), pongEveryMs);
    socket.on("data", hear).on("error", () => undefined);
    socket.once("close", () => {
      clearInterval(pongs);
      say({ kind: "dropped", atMs: now() });
    });
  }
}

/** Masked with zeros, which leave the text as it is (RFC 6455 §5.3). */
function frame(text) {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

function read() {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  let latenciesMs = [];
  socket.once("open", () => socket.send(join));
  socket.once("close", () => say({ kind: "closed" }));
  socket.on("message", (data) => {
    const atMs = now();
    const text = data.subarray(0, 100).toString();
    const [, sentAtMs] = /"sentAtMs":([\d.]+)/.exec(text) ?? [];
    if (text === "2") socket.send("3");
    else if (sentAtMs !== undefined) latenciesMs.push(atMs - Number(sentAtMs));
    else if (text.includes("fanfare:welcome")) say({ kind: "ready" });
  });
  process.on("message", () => {
    say({ kind: "latencies", latenciesMs });
    latenciesMs = [];
  });
}

/** At a fixed rate, whatever the answers take. */
function publish(key, bytes, everyMs) {
  const agent = new Agent({ keepAlive: true });
  const text = "x".repeat(Number(bytes));
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  let failed = 0;
  let dueMs = performance.now();
  const next = () => {
    const body = JSON.stringify({ channel, data: { sentAtMs: now(), text } });
    request({ host: "127.0.0.1", port, path: "/v1/publish", method: "POST", agent, headers }, (answer) => {
      if (answer.statusCode !== 200) say({ kind: "failed", failed: ++failed });
      answer.resume();
    })
      .on("error", () => say({ kind: "failed", failed: ++failed }))
      .end(body);
    dueMs += Number(everyMs);
    setTimeout(next, Math.max(0, dueMs - performance.now()));
  };
  next();
}
