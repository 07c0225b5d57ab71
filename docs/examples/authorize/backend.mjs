// An application that tells Fanfare who its users are and what they may. No tokens: clients show the session they have anyway.
// FANFARE_AUTHORIZE_SECRET=... node backend.mjs [port]
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const secret = process.env.FANFARE_AUTHORIZE_SECRET;
if (!secret) throw new Error("FANFARE_AUTHORIZE_SECRET is needed: the same as the nodes have");

/** In an application: its session store and its tables. */
const sessions = new Map([
  ["session-of-ada", "ada"],
  ["session-of-eve", "eve"],
]);
const ordersOf = new Map([["ada", ["orders:7"]]]);

function answerTo(question) {
  if (question.action === "connect") {
    const user = sessions.get(question.token ?? cookie(question.headers.cookie, "session"));
    // Nothing is kept: whoever signs out is refused at the next connect.
    return user ? { allow: true, user, info: { name: user } } : { allow: false };
  }
  // subscribe and publish come here only where the rules say "token". Kept for half a minute, for this user and channel.
  return { allow: ordersOf.get(question.user)?.includes(question.channel) ?? false, ttlSeconds: 30 };
}

/** Whether Fanfare has asked, and just now: a question that somebody has overheard is worthless after a minute. */
function genuine(headers, body) {
  const timestamp = headers["x-fanfare-timestamp"] ?? "";
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 60) return false;
  const expected = Buffer.from(`v1=${createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")}`);
  const shown = Buffer.from(headers["x-fanfare-signature"] ?? "");
  return shown.length === expected.length && timingSafeEqual(shown, expected);
}

const cookie = (header = "", name) =>
  header
    .split("; ")
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1);

const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  if (!genuine(request.headers, body)) {
    // Not 401 or 403: those would be the answer to the question.
    response.writeHead(400).end();
    return;
  }
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answerTo(JSON.parse(body))));
});
server.listen(Number(process.argv[2] ?? 3000), "127.0.0.1", () => console.log(`asked at port ${server.address().port}`));
