// Starts the Python producer and serves the page that draws what it sends.
//   node run.mjs [ZeroMQ address]
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const socketIo = createRequire(import.meta.url).resolve("socket.io-client/dist/socket.io.js");
const files = {
  "/": ["text/html", file("index.html")],
  "/socket.io.js": ["text/javascript", socketIo],
};

const python = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
const producer = spawn(python, [file("producer.py"), ...process.argv.slice(2)], { stdio: "inherit" });
producer.once("exit", (code) => process.exit(code ?? 1));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => producer.kill());

const server = createServer(({ url }, response) => {
  const [type, path] = files[new URL(url, "http://page").pathname] ?? [];
  if (path === undefined) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": type }).end(readFileSync(path));
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  const query = process.env.FANFARE_URL === undefined ? "" : `?url=${encodeURIComponent(process.env.FANFARE_URL)}`;
  console.log(`open http://127.0.0.1:${server.address().port}/${query}`);
});
