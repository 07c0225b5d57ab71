import { expect, test } from "vitest";
import { readPast } from "./past-events.ts";

const event = (id: string) => `id: ${id}\nevent: node_left\ndata: ${JSON.stringify({ id, type: "node_left" })}\n\n`;

/** Reads from a server with these answers; one that is no text is a refusal. */
async function read(answers: Readonly<Record<string, string | number>>) {
  const asked: string[] = [];
  const told: string[] = [];
  const whole = await readPast(
    async (after) => {
      asked.push(after);
      const answer = answers[after] ?? 500;
      return typeof answer === "string" ? new Response(answer) : new Response("", { status: answer });
    },
    "5-0",
    ({ id }) => told.push(id),
  );
  return { asked, told, whole };
}

test("where one answer does not reach the end, the next one goes on from there", async () => {
  const more = (id: string) => `id: ${id}\nevent: more\ndata: {}\n\n`;
  const answers = { "5-0": `event: gap\ndata: {}\n\n${event("6-0")}${more("7-0")}`, "7-0": more("8-0"), "8-0": event("9-0") };
  expect(await read(answers)).toEqual({ asked: ["5-0", "7-0", "8-0"], told: ["6-0", "9-0"], whole: true });
});

test("a refusal ends it, and it is not taken for the end of the log", async () => {
  expect(await read({ "5-0": 429 })).toEqual({ asked: ["5-0"], told: [], whole: false });
  expect(await read({ "5-0": "id: 7-0\nevent: more\ndata: {}\n\n" })).toMatchObject({ asked: ["5-0", "7-0"], whole: false });
});
